/** Asks a running workflow to do something, and tells why it does not. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { SatchelError, isErrorCode } from '../../workflows/contract/errors.js';

/** How long a worker may take to hear of it. */
const answerMs = 15_000;
const againMs = 100;
/** Numbers of gRPC status codes: FAILED_PRECONDITION, ABORTED. */
const lostTaskCodes = new Set([9, 10]);

export interface WorkflowUpdate {
  /** One of the updates in `names`. */
  readonly name: string;
  /** Its input, where it has one. */
  readonly order?: object;
  /** What is said when it ended already. */
  readonly whenOver: () => SatchelError;
}

/**
 * @returns once it is in force
 * @throws SatchelError the code that the workflow answers, `whenOver`, TEMPORAL_UNAVAILABLE
 */
export async function updateWorkflow(
  client: Client | undefined,
  workflowId: string,
  { name, order, whenOver }: WorkflowUpdate,
): Promise<void> {
  if (!client) throw unavailable(workflowId);
  const { WorkflowNotFoundError, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } =
    await import('@temporalio/client');
  const { ApplicationFailure } = await import('@temporalio/common');
  const { isServerAway } = await import('../temporal/is-server-away.js');
  // Asked again it is the same update: it is done once.
  const updateId = randomUUID();
  try {
    await executeUntil(Date.now() + answerMs, (deadline) =>
      client.withDeadline(deadline, () => {
        const handle = client.workflow.getHandle(workflowId);
        return order
          ? handle.executeUpdate<unknown, [object]>(name, { updateId, args: [order] })
          : handle.executeUpdate(name, { updateId });
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw whenOver();
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isServerAway(error)) {
      throw unavailable(workflowId, error);
    }
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const { cause } = error;
    // Asked in the moment in which it ended.
    if (cause instanceof ApplicationFailure && cause.type === 'AcceptedUpdateCompletedWorkflow') throw whenOver();
    if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
      throw new SatchelError(cause.type, cause.message, { cause: error });
    }
    throw error;
  }
}

/**
 * A workflow task that fails takes the updates it was to answer along: where something else happened in the moment in which the
 * workflow wanted to end, that is usual, and nothing of the update was done.
 */
async function executeUntil(deadline: number, execute: (deadline: number) => Promise<unknown>): Promise<void> {
  const { isGrpcServiceError } = await import('@temporalio/client');
  for (;;) {
    try {
      await execute(deadline);
      return;
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const lostItsTask = isGrpcServiceError(cause) && lostTaskCodes.has(cause.code);
      if (!lostItsTask || Date.now() + againMs > deadline) throw error;
      await delay(againMs);
    }
  }
}

export function unavailable(id: string, cause?: unknown): SatchelError {
  return new SatchelError(
    'TEMPORAL_UNAVAILABLE',
    `Workflow ${id} cannot be reached while the Temporal server or its worker is away: run "satchel start", then try again.`,
    { cause },
  );
}
