import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import {
  decodeFromPayloadsAtIndex,
  decodeOptionalFailureToOptionalError,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { StepProgress } from '../../workflows/contract/model.js';

/** An activity that runs, or waits for its next attempt. */
export interface PendingStep {
  readonly attempt: number;
  /** What it last reported. */
  readonly report: StepProgress | undefined;
  /** Why the attempt before failed. */
  readonly failure: string | undefined;
}

/** Decoded as the client decodes everything else. */
export async function readPendingSteps(
  { options: { loadedDataConverter: converter } }: Client,
  description: WorkflowExecutionDescription | undefined,
): Promise<PendingStep[]> {
  const pending = description?.raw.pendingActivities ?? [];
  return Promise.all(
    pending.map(async ({ attempt, heartbeatDetails, lastFailure }) => {
      const payloads = heartbeatDetails?.payloads;
      const failure = await decodeOptionalFailureToOptionalError(converter, lastFailure);
      return {
        attempt: attempt ?? 1,
        report: payloads?.length ? await decodeFromPayloadsAtIndex<StepProgress>(converter, 0, payloads) : undefined,
        failure: failure?.message,
      };
    }),
  );
}
