/** Workflows as people see them: from the request or instance node, and, while they run, from Temporal. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { listOutbox } from '../activities/mail/outbox.js';
import {
  findRecord,
  readComments,
  readContainerSteps,
  readMetadata,
  readMetadataAtEnd,
  readPinnedModel,
  readRequest,
  readSteps,
  type WorkflowRequest,
} from '../activities/satchel/request-node.js';
import { downloadsRoot } from '../dam/download-job.js';
import { findArchives, findPlan } from '../dam/download-job-store.js';
import type { Repository, RepositoryNode, Session } from '../repository/api.js';
import { isDescendantOrSelf } from '../repository/path.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { names, type StepProgress, type StepRecord, type WorkflowState } from '../workflows/contract/model.js';
import { initialRecords } from '../workflows/contract/step-records.js';
import type { JobPage, JobQuery, JobStep, JobView } from './api.js';
import { listJobs, mayRead, readsAll, summaryOf } from './instances/list-jobs.js';
import type { PendingStep } from './temporal/pending-steps.js';

export interface JobReaderOptions {
  readonly repository: Repository;
  /** `undefined` while Temporal is away. */
  readonly client: () => Client | undefined;
}

export interface JobReader {
  list(user: string, query: JobQuery): Promise<JobPage>;
  /** @throws SatchelError UNKNOWN_JOB */
  job(user: string, id: string): Promise<JobView>;
  /** @throws SatchelError UNKNOWN_JOB */
  follow(user: string, id: string, signal: AbortSignal): AsyncIterable<JobView>;
  /** The request behind a job that the user may see. @throws SatchelError UNKNOWN_JOB */
  request(user: string, id: string): Promise<WorkflowRequest>;
}

/** How often a followed job is looked at, and how long Temporal may take to tell of it. */
const pollMs = 300;
const answerMs = 3_000;
/** Workflows of containers that are asked, those in one another included. */
const maxChildren = 50;

const endStates: readonly string[] = ['completed', 'partial', 'failed', 'cancelled'];

export function createJobReader({ repository, client }: JobReaderOptions): JobReader {
  const asService = <T>(work: (session: Session) => Promise<T>) =>
    repository.withSession({ service: 'workflow' }, work);

  async function findNode(session: Session, user: string, id: string): Promise<RepositoryNode> {
    const node = /^[\w-]+$/.test(id) ? await findRecord(session, id) : undefined;
    if (!node || !(await mayRead(session, user, readRequest(node)))) throw unknownJob(id);
    return node;
  }

  async function job(user: string, id: string): Promise<JobView> {
    const { view, request } = await asService(async (session) => {
      const node = await findNode(session, user, id);
      const found = readRequest(node);
      return { view: await viewOf(session, node, found), request: found };
    });
    // Ended only once the node says so: then archives and mails are there too.
    const running = request.state === 'launched' && (await withProgress(view));
    const now = running
      ? { ...running, state: endStates.includes(running.state) ? ('running' as const) : running.state }
      : view;
    return { ...now, children: await childrenOf(now.steps) };
  }

  async function stepsNow(workflowId: string): Promise<readonly StepRecord[] | undefined> {
    const current = client();
    const query = async () => current?.workflow.getHandle(workflowId).query<WorkflowState>(names.stateQuery);
    const state = await current?.withDeadline(Date.now() + answerMs, query).catch(() => undefined);
    return state?.steps;
  }

  /** What containers run, as Temporal tells of it, and what those that ended ran, from the record. */
  async function childrenOf(steps: readonly StepRecord[]): Promise<JobView['children']> {
    const found: Record<string, readonly StepRecord[]> = {};
    const ids = steps.flatMap(({ child }) => child ?? []);
    for (const id of ids) {
      if (ids.length > maxChildren) break;
      const recorded = await asService((session) => readContainerSteps(session, id));
      const ran = recorded ?? (await stepsNow(id));
      if (!ran) continue;
      found[id] = ran;
      ids.push(...ran.flatMap(({ child }) => child ?? []));
    }
    return found;
  }

  /** Adds what only Temporal knows; without an answer the view stays as it is. */
  async function withProgress(view: JobView): Promise<JobView> {
    const current = client();
    if (!current) return { ...view, waiting: true };
    const handle = current.workflow.getHandle(view.id);
    const [state, description] = await Promise.all([
      current
        .withDeadline(Date.now() + answerMs, () => handle.query<WorkflowState>(names.stateQuery))
        .catch(() => undefined),
      current.withDeadline(Date.now() + answerMs, () => handle.describe()).catch(() => undefined),
    ]);
    if (!state) return view;
    // On demand: jobs are listed without Temporal, too.
    const { readPendingSteps } = await import('./temporal/pending-steps.js');
    const pending = await readPendingSteps(current, description);
    const { outcome, metadata } = state;
    const { paused: _, ...noted } = view;
    return {
      ...noted,
      ...(outcome.state === 'paused' && { paused: true }),
      ...(metadata && { metadata }),
      state: outcome.state === 'paused' ? 'running' : outcome.state,
      ...(outcome.state === 'failed' && {
        error: { code: outcome.code, message: outcome.message, step: outcome.step },
      }),
      steps: state.steps.map((step) => (step.state === 'running' ? withHeartbeats(step, pending) : step)),
    };
  }

  /** A transient workflow leaves nothing behind; Temporal remembers for a while that it was, and how it ended. */
  async function transientView(user: string, id: string): Promise<JobView | undefined> {
    const description = await client()
      ?.workflow.getHandle(id)
      .describe()
      .catch(() => undefined);
    if (!description) return undefined;
    const { searchAttributeKeys } = await import('./temporal/search-attribute-keys.js');
    const { tenant, initiator, payload } = searchAttributeKeys;
    const attributes = description.typedSearchAttributes;
    const owner = attributes.get(initiator);
    if (owner === undefined || (owner !== user && !(await asService((session) => readsAll(session, user)))))
      return undefined;
    return {
      id,
      model: description.type,
      title: (await description.staticSummary()) ?? description.type,
      state: 'running',
      initiator: owner,
      tenant: attributes.get(tenant) ?? '',
      created: description.startTime.toISOString(),
      payload: attributes.get(payload) ?? '',
      waiting: false,
      steps: [],
      archives: undefined,
      skipped: [],
      mails: [],
      metadata: {},
      comments: [],
      children: {},
    };
  }

  return {
    job,
    list: (user, query) => asService((session) => listJobs(session, user, query)),
    request: (user, id) => asService(async (session) => readRequest(await findNode(session, user, id))),
    async *follow(user, id, signal) {
      let shown: JobView | undefined;
      for (;;) {
        const view = await job(user, id).catch(async (error: unknown) => {
          if (!(error instanceof SatchelError)) throw error;
          const left = shown ?? (await transientView(user, id));
          if (!left) throw error;
          return withProgress(left);
        });
        if (JSON.stringify(view) !== JSON.stringify(shown)) yield view;
        shown = view;
        if (endStates.includes(view.state) || signal.aborted) return;
        await delay(pollMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

async function viewOf(session: Session, node: RepositoryNode, request: WorkflowRequest): Promise<JobView> {
  const isDownload = isDescendantOrSelf(request.payload, downloadsRoot);
  const ended = endStates.includes(request.state);
  // The lists of a download are long: they are read once they no longer change.
  const [archives, plan, mails] =
    isDownload && ended
      ? [
          await findArchives(session, request.payload),
          await findPlan(session, request.payload),
          await listOutbox(session, `${request.payload}/outbox`),
        ]
      : [undefined, undefined, []];
  return {
    ...summaryOf(request),
    waiting: request.state === 'requested',
    steps: (await readSteps(session, node)) ?? (await waitingSteps(session, node)),
    archives,
    skipped: archives?.skipped ?? plan?.skipped ?? [],
    mails: mails.map(({ to, subject, locale, state, messageId, layers }) => ({
      to,
      subject,
      locale,
      state,
      messageId,
      layers,
    })),
    ...pick(request, ['modelVersion', 'ended', 'endedBy', 'retryOf', 'rerunOf', 'retriedAs']),
    ...(request.terminated && { terminated: true }),
    metadata: (await readMetadataAtEnd(session, node)) ?? (await readMetadata(session, node)) ?? {},
    comments: await readComments(session, node.path),
    children: {},
  };
}

/** The members that are there. */
function pick<T, K extends keyof T>(from: T, wanted: readonly K[]): { [P in K]?: NonNullable<T[P]> } {
  const picked: { [P in K]?: NonNullable<T[P]> } = {};
  for (const name of wanted) {
    const value = from[name];
    if (value !== undefined && value !== null) picked[name] = value;
  }
  return picked;
}

async function waitingSteps(session: Session, node: RepositoryNode): Promise<StepRecord[]> {
  return initialRecords(await readPinnedModel(session, node));
}

/** Only one step runs at a time, so that all pending activities are its chunks. */
function withHeartbeats(step: StepRecord, pending: readonly PendingStep[]): JobStep {
  const reports = pending.flatMap(({ report }) => report ?? []);
  const message = reports.findLast((report) => report.message !== undefined)?.message;
  const progress: StepProgress = {
    ...sum('files', reports),
    ...sum('bytes', reports),
    ...(message !== undefined && { message }),
  };
  const failed = pending.find(({ attempt, failure }) => attempt > 1 && failure !== undefined);
  return {
    ...step,
    ...(Object.keys(progress).length > 0 && { progress }),
    ...(failed && { retrying: { attempt: failed.attempt - 1, message: failed.failure ?? '' } }),
  };
}

function sum(what: 'files' | 'bytes', reports: readonly StepProgress[]): Pick<StepProgress, typeof what> {
  const counts = reports.flatMap((report) => report[what] ?? []);
  if (counts.length === 0) return {};
  const total = { done: 0, total: 0 };
  for (const count of counts) {
    total.done += count.done;
    total.total += count.total;
  }
  return { [what]: total };
}

function unknownJob(id: string): SatchelError {
  return new SatchelError('UNKNOWN_JOB', `There is no job "${id.slice(0, 100)}".`);
}
