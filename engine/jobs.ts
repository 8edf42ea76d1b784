/** Workflows as people see them: from the request or instance node, and, while they run, from Temporal. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { PayloadConverter } from '@temporalio/common';
import { listOutbox } from '../activities/mail/outbox.js';
import {
  instancesRoot,
  readPinnedModel,
  readRequest,
  readSteps,
  requestsRoot,
  type WorkflowRequest,
} from '../activities/satchel/request-node.js';
import { downloadsRoot } from '../dam/download-job.js';
import { findArchives, findPlan } from '../dam/download-job-store.js';
import { adminUser, groups, type Repository, type RepositoryNode, type Session } from '../repository/api.js';
import { isDescendantOrSelf } from '../repository/path.js';
import { isMember } from '../repository/users.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { names, type StepProgress, type StepRecord, type WorkflowState } from '../workflows/contract/model.js';
import { initialRecords } from '../workflows/contract/step-records.js';
import type { JobStep, JobSummary, JobView } from './api.js';

export interface JobReaderOptions {
  readonly repository: Repository;
  /** `undefined` while Temporal is away. */
  readonly client: () => Client | undefined;
}

export interface JobReader {
  jobs(user: string, limit: number): Promise<JobSummary[]>;
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

const endStates: readonly string[] = ['completed', 'partial', 'failed', 'cancelled'];

export function createJobReader({ repository, client }: JobReaderOptions): JobReader {
  const asService = <T>(work: (session: Session) => Promise<T>) =>
    repository.withSession({ service: 'workflow' }, work);

  async function findNode(session: Session, user: string, id: string): Promise<RepositoryNode> {
    const paths = /^[\w-]+$/.test(id) ? [`${requestsRoot}/${id}`, `${instancesRoot}/${id}`] : [];
    const node = (await session.findNodes(paths)).find((found) => found !== undefined);
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
    return running ? { ...running, state: endStates.includes(running.state) ? 'running' : running.state } : view;
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
    const { defaultPayloadConverter } = await import('@temporalio/common');
    const { outcome } = state;
    return {
      ...view,
      state: outcome.state === 'paused' ? 'running' : outcome.state,
      ...(outcome.state === 'failed' && {
        error: { code: outcome.code, message: outcome.message, step: outcome.step },
      }),
      steps: state.steps.map((step) =>
        step.state === 'running' ? withHeartbeats(step, description, defaultPayloadConverter) : step,
      ),
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
    };
  }

  return {
    job,
    jobs: (user, limit) =>
      asService(async (session) => {
        const all = await readsAll(session, user);
        const newest: WorkflowRequest[] = [];
        for (const root of [requestsRoot, instancesRoot]) {
          for await (const node of session.children(root)) {
            const request = readRequest(node);
            if (!all && request.initiator !== user) continue;
            newest.push(request);
            // Bounded without sorting for every node; names, and so ids, sort by time.
            if (newest.length >= limit * 2 + 100) keepNewest(newest, limit);
          }
        }
        keepNewest(newest, limit);
        return newest.map(summaryOf);
      }),
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
  };
}

async function waitingSteps(session: Session, node: RepositoryNode): Promise<StepRecord[]> {
  return initialRecords(await readPinnedModel(session, node));
}

export function summaryOf(request: WorkflowRequest): JobSummary {
  const { id, model, title, state, initiator, tenant, created, payload, error } = request;
  return {
    id,
    model,
    title,
    state: state === 'requested' ? 'queued' : state === 'launched' ? 'running' : state,
    initiator,
    tenant,
    created,
    payload,
    ...(error && { error }),
  };
}

/** Only one step runs at a time, so that all pending activities are its chunks. */
function withHeartbeats(
  step: StepRecord,
  description: WorkflowExecutionDescription | undefined,
  converter: PayloadConverter,
): JobStep {
  const pending = description?.raw.pendingActivities ?? [];
  const reports = pending.flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    return payload ? [converter.fromPayload<StepProgress>(payload)] : [];
  });
  const message = reports.findLast((report) => report.message !== undefined)?.message;
  const progress: StepProgress = {
    ...sum('files', reports),
    ...sum('bytes', reports),
    ...(message !== undefined && { message }),
  };
  const failed = pending.find(({ attempt, lastFailure }) => (attempt ?? 1) > 1 && lastFailure);
  return {
    ...step,
    ...(Object.keys(progress).length > 0 && { progress }),
    ...(failed && { retrying: { attempt: (failed.attempt ?? 2) - 1, message: failed.lastFailure?.message ?? '' } }),
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

function keepNewest(requests: WorkflowRequest[], limit: number): void {
  requests.sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : a.id < b.id ? 1 : -1));
  requests.length = Math.min(requests.length, limit);
}

/** People see their own jobs, administrators all. */
async function mayRead(session: Session, user: string, { initiator }: WorkflowRequest): Promise<boolean> {
  return initiator === user || (await readsAll(session, user));
}

async function readsAll(session: Session, user: string): Promise<boolean> {
  return user === adminUser || (await isMember(session, user, groups.administrators));
}

function unknownJob(id: string): SatchelError {
  return new SatchelError('UNKNOWN_JOB', `There is no job "${id.slice(0, 100)}".`);
}
