/** Asks a running workflow to do something, and tells why it does not. */
import type { Client } from '@temporalio/client';
import { SatchelError, isErrorCode } from '../../workflows/contract/errors.js';

/** How long a worker may take to hear of it. */
const answerMs = 15_000;

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
  try {
    const handle = client.workflow.getHandle(workflowId);
    await client.withDeadline(Date.now() + answerMs, () =>
      order ? handle.executeUpdate<unknown, [object]>(name, { args: [order] }) : handle.executeUpdate(name),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw whenOver();
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) throw unavailable(workflowId, error);
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

export function unavailable(id: string, cause?: unknown): SatchelError {
  return new SatchelError(
    'TEMPORAL_UNAVAILABLE',
    `Workflow ${id} cannot be reached while the Temporal server or its worker is away: run "satchel start", then try again.`,
    { cause },
  );
}
