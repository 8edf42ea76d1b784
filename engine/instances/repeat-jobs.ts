/** Jobs made of earlier ones: going on with one that failed, and asking for the same again. */
import {
  addRequest,
  readLaunchers,
  readMetadata,
  readMetadataAtEnd,
  readPinnedModel,
  readRequest,
  readSteps,
  type WorkflowRequest,
} from '../../activities/satchel/request-node.js';
import { copyLargeValues } from '../../activities/satchel/metadata-values.js';
import { downloadsRoot } from '../../dam/download-job.js';
import { openDownloadJob } from '../../dam/download-job-store.js';
import { RepositoryError } from '../../repository/errors.js';
import { isDescendantOrSelf } from '../../repository/path.js';
import type { RepositoryNode, Session } from '../../repository/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { WorkflowSeed } from '../../workflows/contract/model.js';
import { createRequestId } from '../request-id.js';
import { requestDownload, requestWorkflow, type RequestServices } from '../workflow-requests.js';

export interface RepeatOptions extends RequestServices {
  /** The request behind a job that the user may see. @throws SatchelError UNKNOWN_JOB */
  readonly request: (user: string, id: string) => Promise<WorkflowRequest>;
}

/**
 * A new run of the same pinned model, seeded from the record of the old one: what completed there is not run again, and
 * what it made visible keeps its idempotency keys.
 * @throws SatchelError as Engine.retry
 */
export async function retryJob(options: RepeatOptions, user: string, id: string): Promise<WorkflowRequest> {
  const failed = await options.request(user, id);
  assertRetryable(failed);
  const { repository } = options.services;
  const again = () => notRetryable(failed, 'it was retried already, in this moment');
  return repository.withSession({ service: 'workflow' }, async (session) => {
    const node = await session.getNode(failed.path);
    assertRetryable(readRequest(node));
    if (!(await session.findNode(failed.payload))) {
      throw notRetryable(failed, `${failed.payload}, which it worked on, is not there any more; rerun it`);
    }
    const created = new Date();
    const next = createRequestId(created);
    const metadata = (await readMetadataAtEnd(session, node)) ?? (await readMetadata(session, node)) ?? {};
    const path = await addRequest(session, {
      id: next,
      model: await readPinnedModel(session, node),
      payload: failed.payload,
      initiator: failed.initiator,
      tenant: failed.tenant,
      created,
      launchers: await readLaunchers(session, failed.path),
      metadata,
      seed: await seedOf(session, node, failed),
      retryOf: id,
      ...(user !== failed.initiator && { comment: `retried by ${user}` }),
    });
    await copyLargeValues(session, failed.path, path);
    // Two who retry at once both write this: one of them fails.
    await session.setProperties(failed.path, { retriedAs: next });
    if (isDescendantOrSelf(failed.payload, downloadsRoot)) await reopenDownload(session, failed.payload, next);
    await session.save().catch((error: unknown) => {
      throw error instanceof RepositoryError && error.code === 'CONFLICT' ? again() : error;
    });
    return readRequest(await session.getNode(path));
  });
}

async function seedOf(session: Session, node: RepositoryNode, failed: WorkflowRequest): Promise<WorkflowSeed> {
  const steps = await readSteps(session, node);
  if (!steps) throw notRetryable(failed, 'its record does not say how far it came');
  const metadata = (await readMetadataAtEnd(session, node)) ?? (await readMetadata(session, node)) ?? {};
  // Of a run that was a retry itself: the keys are those of the first.
  const partial = steps.some((step) => step.state === 'completed' && step.partial === true);
  return { steps, metadata, partial, keysOf: node.text('keysOf') ?? failed.id };
}

/** The download of a failed job is open again, for the job that goes on with it. */
async function reopenDownload(session: Session, path: string, workflowId: string): Promise<void> {
  const closed = { ended: null, errorCode: null, errorMessage: null, errorStep: null };
  await session.setProperties(path, { ...closed, state: 'queued', workflowId });
}

/** @throws SatchelError NOT_RETRYABLE */
function assertRetryable(job: WorkflowRequest): void {
  if (job.transient) throw notRetryable(job, 'transient workflows keep no record of how far they came; start it anew');
  if (job.retriedAs !== undefined) throw notRetryable(job, `it was retried already, as ${job.retriedAs}`);
  if (job.state === 'requested' || job.state === 'launched') throw notRetryable(job, 'it has not ended');
  if (job.state !== 'failed') throw notRetryable(job, `it is ${job.state}, and only a failed one is retried; rerun it`);
}

function notRetryable(job: WorkflowRequest, reason: string): SatchelError {
  return new SatchelError('NOT_RETRYABLE', `Job ${job.id} cannot be retried: ${reason}.`, { details: { job: job.id } });
}

/** @throws SatchelError as Engine.rerun */
export async function rerunJob(options: RepeatOptions, user: string, id: string): Promise<WorkflowRequest> {
  const earlier = await options.request(user, id);
  const { payload, initiator, tenant, model } = earlier;
  const { repository } = options.services;
  const comment = user === initiator ? {} : { comment: `rerun by ${user}` };
  const { request, metadata, launchers } = await repository.withSession({ service: 'workflow' }, async (session) => {
    const node = await session.getNode(earlier.path);
    const isDownload = isDescendantOrSelf(payload, downloadsRoot);
    return {
      request: isDownload ? (await openDownloadJob(session, payload)).request : undefined,
      metadata: (await readMetadata(session, node)) ?? {},
      launchers: await readLaunchers(session, node.path),
    };
  });
  if (request) return requestDownload(options, initiator, request, { rerunOf: id, launchers, ...comment });
  const order = { model, payload, initiator, tenant, metadata, ...comment };
  return requestWorkflow(options, order, { rerunOf: id, launchers, values: earlier.path });
}
