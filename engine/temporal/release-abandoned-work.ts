import { ActivityNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import proto from '@temporalio/proto';

const started = proto.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED;

/**
 * Lets running workflows go on at once after the process that worked on them was killed. Left alone they do too, but only
 * when the heartbeat timeout (30 s) and the wait for the dead worker's own queue (10 s) are over. Only for a server that is
 * ours, before its worker is started: whoever owns the data folder is the only worker, so that what runs is nobody's.
 * @returns how many steps will be tried again
 */
export async function releaseAbandonedWork(client: Client, taskQueue: string): Promise<number> {
  const { namespace } = client.options;
  let released = 0;
  for await (const { workflowId, runId } of client.workflow.list({
    query: `ExecutionStatus = "Running" AND TaskQueue = "${taskQueue}"`,
  })) {
    await client.workflowService.resetStickyTaskQueue({ namespace, execution: { workflowId, runId } });
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    for (const { activityId, state } of raw.pendingActivities ?? []) {
      if (state !== started || activityId == null) continue;
      try {
        const failure = ApplicationFailure.retryable('The process that ran the step ended.', 'STEP_FAILED');
        await client.activity.fail({ workflowId, runId, activityId }, failure);
        released++;
      } catch (error) {
        // Timed out in this very moment: tried again all the same.
        if (!(error instanceof ActivityNotFoundError)) throw error;
      }
    }
  }
  return released;
}
