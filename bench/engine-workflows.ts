/** What somebody would write by hand for a fixed list of steps: the peer of the interpreter in the benchmark `engine`. */
import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import { names, type FinishInput, type StepInput, type StepOutput } from '../workflows/contract/model.js';

export interface WrittenInput {
  readonly order: Omit<StepInput, 'step'>;
  readonly step: Omit<StepInput['step'], 'name'>;
  readonly steps: number;
  readonly local: boolean;
  /** Whether the end is recorded, as the interpreter does. */
  readonly finish: boolean;
}

interface Activities {
  readonly 'bench/step@1': (input: StepInput) => Promise<StepOutput>;
  readonly [names.finishActivity]: (input: FinishInput) => Promise<void>;
}

export async function written({ order, step, steps, local, finish }: WrittenInput): Promise<void> {
  const options = {
    startToCloseTimeout: '600s',
    retry: { initialInterval: '500ms', maximumInterval: '30s', maximumAttempts: 5 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  } as const;
  const run = local
    ? proxyLocalActivities<Activities>(options)
    : proxyActivities<Activities>({ ...options, heartbeatTimeout: '30s' });
  for (let index = 0; index < steps; index++) {
    await run['bench/step@1']({ ...order, step: { ...step, name: `step-${index}` } });
  }
  if (!finish) return;
  const end = proxyLocalActivities<Activities>({ startToCloseTimeout: '30s' });
  await end[names.finishActivity]({
    workflow: order.workflow,
    transient: false,
    followed: false,
    outcome: { state: 'completed' },
    steps: [],
  });
}
