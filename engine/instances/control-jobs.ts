/** What people do to a job while it runs: pause, resume, cancel, terminate, comment, answer for what is outside. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { createFinish } from '../../activities/satchel/finish.js';
import {
  addComment,
  readPinnedModel,
  readRequest,
  requestsRoot,
  type WorkflowRequest,
} from '../../activities/satchel/request-node.js';
import { closeItemsOfJob } from '../../activities/satchel/work-items.js';
import { saveChanges } from '../../dam/save-changes.js';
import type { Repository, Session } from '../../repository/api.js';
import { RepositoryError } from '../../repository/errors.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { names, type ExternalOrder, type StepRecord, type WorkflowState } from '../../workflows/contract/model.js';
import { initialRecords } from '../../workflows/contract/step-records.js';
import type { Engine } from '../api.js';
import { unavailable, updateWorkflow } from './update-workflow.js';

export interface ControlOptions {
  readonly repository: Repository;
  /** `undefined` while Temporal is away. */
  readonly client: () => Client | undefined;
  /** The request behind a job that the user may see. @throws SatchelError UNKNOWN_JOB */
  readonly request: (user: string, id: string) => Promise<WorkflowRequest>;
  readonly log: Logger;
}

export interface JobControl extends Pick<
  Engine,
  'cancel' | 'terminate' | 'pause' | 'resume' | 'comment' | 'completeExternal'
> {
  /** Ends what was to be terminated when this process, or the one before, died. */
  finishTerminations(): Promise<void>;
}

const maxCommentCharacters = 4000;
const maxResultBytes = 8 * 1024;
const answerMs = 3_000;

export function createJobControl({ repository, client, request, log }: ControlOptions): JobControl {
  const finish = createFinish(repository);
  const asService = <T>(work: (session: Session) => Promise<T>) =>
    repository.withSession({ service: 'workflow' }, work);
  /** Changes a request or instance node while it is there. */
  const change = (path: string, work: (session: Session) => Promise<unknown>) =>
    asService((session) =>
      saveChanges(session, async () => {
        if (await session.findNode(path)) await work(session);
      }),
    );

  async function openRequest(user: string, id: string): Promise<WorkflowRequest> {
    const found = await request(user, id);
    if (found.state === 'requested' || found.state === 'launched') return found;
    throw new SatchelError('JOB_ENDED', `Job ${id} has ended: it is ${found.state}.`);
  }

  async function setPaused(user: string, id: string, paused: boolean): Promise<void> {
    const found = await openRequest(user, id);
    // Temporal does not know it yet: there is nothing to pause.
    if (found.state === 'requested') throw unavailable(id);
    await updateWorkflow(client(), id, {
      name: paused ? names.pauseUpdate : names.resumeUpdate,
      whenOver: () => new SatchelError('JOB_ENDED', `Job ${id} ended in this moment.`),
    });
    await change(found.path, (session) => session.setProperties(found.path, { paused: paused ? new Date() : null }));
  }

  /** Nothing runs yet; a workflow that is started in this very moment is cancelled by the launcher, which misses its node. */
  async function cancelWaiting(found: WorkflowRequest): Promise<void> {
    await recordEnd(found, (steps) => steps);
  }

  /** Records an end that the workflow itself does not record. */
  async function recordEnd(
    { id, path, payload, tenant, initiator }: WorkflowRequest,
    stepsOf: (initial: readonly StepRecord[]) => readonly StepRecord[],
  ): Promise<void> {
    const model = await asService(async (session) => {
      const node = await session.findNode(path);
      return node && (await readPinnedModel(session, node));
    });
    if (!model) return;
    await finish({
      workflow: { id, request: path, payload, tenant, initiator, model: model.id, modelVersion: model.version },
      transient: model.transient,
      followed: false,
      outcome: { state: 'cancelled' },
      steps: stepsOf(initialRecords(model)),
    });
  }

  async function endAtTemporal(current: Client, found: WorkflowRequest, by: string): Promise<void> {
    const { WorkflowNotFoundError } = await import('@temporalio/client');
    const handle = current.workflow.getHandle(found.id);
    // What it was doing is known for as long as a worker answers for it.
    const state = await current
      .withDeadline(Date.now() + answerMs, () => handle.query<WorkflowState>(names.stateQuery))
      .catch(() => undefined);
    await handle.terminate(`terminated by ${by}`).catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
    const closeItems = () => asService((session) => saveChanges(session, () => closeItemsOfJob(session, found.id, by)));
    await closeItems();
    await recordEnd(found, (initial) => (state?.steps ?? initial).map(asCancelled));
    // One that was being opened in the moment of the termination.
    await closeItems();
  }

  return {
    async cancel(user, id) {
      const found = await request(user, id);
      if (found.state !== 'requested' && found.state !== 'launched') return;
      const current = client();
      if (found.state === 'launched' && !current) throw unavailable(id);
      await change(found.path, (session) => session.setProperties(found.path, { endedBy: user }));
      if (found.state === 'requested') return cancelWaiting(found);
      const { WorkflowNotFoundError } = await import('@temporalio/client');
      await current?.workflow
        .getHandle(id)
        .cancel()
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
    },
    async terminate(user, id) {
      const found = await openRequest(user, id);
      const current = client();
      if (found.state === 'launched' && !current) throw unavailable(id);
      // First, so that the record follows also when this process dies in between.
      await change(found.path, (session) => session.setProperties(found.path, { endedBy: user, terminated: true }));
      if (!current || found.state === 'requested') return cancelWaiting(found);
      await endAtTemporal(current, found, user);
    },
    pause: (user, id) => setPaused(user, id, true),
    resume: (user, id) => setPaused(user, id, false),
    async comment(user, id, text) {
      if (text.trim() === '' || text.length > maxCommentCharacters) {
        throw new SatchelError('INVALID_REQUEST', `comment: must have 1 to ${maxCommentCharacters} characters.`);
      }
      await commentOn(await request(user, id), user, text);
    },
    async completeExternal(user, id, { step, result, failure }) {
      if (result !== undefined && Buffer.byteLength(JSON.stringify(result)) > maxResultBytes) {
        throw new SatchelError('INVALID_REQUEST', `result: takes more than ${maxResultBytes} bytes.`);
      }
      const found = await request(user, id);
      const notWaiting = () => new SatchelError('NOT_WAITING', `Job ${id} waits for nothing outside any more.`);
      if (found.state !== 'requested' && found.state !== 'launched') throw notWaiting();
      const order: ExternalOrder = {
        step,
        ...(result !== undefined && { result }),
        ...(failure !== undefined && { failure }),
      };
      await updateWorkflow(client(), id, { name: names.completeExternalUpdate, order, whenOver: notWaiting });
    },
    async finishTerminations() {
      const current = client();
      if (!current) return;
      const pending = await asService(async (session) => {
        const found: WorkflowRequest[] = [];
        for await (const node of session.children(requestsRoot)) {
          const open = readRequest(node);
          if (open.terminated && open.state === 'launched') found.push(open);
        }
        return found;
      });
      for (const found of pending) {
        await endAtTemporal(current, found, found.endedBy ?? 'an administrator').catch((error: unknown) => {
          log.error({ err: error, job: found.id }, 'a termination could not be completed');
        });
      }
    },
  };

  /** Where the node is now: it may end, and move, in this moment. */
  async function commentOn(found: WorkflowRequest, user: string, text: string): Promise<void> {
    const added = await asService(async (session) => {
      const node = await session.findNode(found.path);
      if (!node) return false;
      await addComment(session, found.path, user, text);
      return session.save().then(
        () => true,
        async (error: unknown) => {
          if (error instanceof RepositoryError && error.code === 'CONFLICT') return false;
          throw error;
        },
      );
    });
    if (!added) await commentOn(await request(user, found.id), user, text);
  }
}

/** Of a workflow that gets no more time to say so itself. */
function asCancelled(step: StepRecord): StepRecord {
  return step.state === 'running' ? { ...step, state: 'cancelled', ended: new Date().toISOString() } : step;
}
