/** The workers of this process: one a task queue, over one connection. */
import { availableParallelism } from 'node:os';
import type { DataConverter } from '@temporalio/common';
import { Worker, type NativeConnection } from '@temporalio/worker';
import type { SatchelActivities } from '../activities/run-step.js';
import { names } from '../workflows/contract/model.js';
import type { Configuration, Queue } from './configuration.js';

interface SharedOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly dataConverter: DataConverter;
  readonly activities: SatchelActivities;
}

export interface WorkersOptions extends SharedOptions {
  /** File of the workflow bundle that was built ahead. */
  readonly workflowBundle: string;
  readonly configuration: Configuration['worker'];
}

export interface WorkerOptions extends SharedOptions {
  readonly taskQueue: string;
  /** At once. */
  readonly steps: number;
  readonly drainSeconds: number;
  readonly workflowBundle?: string;
}

export const allQueues: Configuration['worker'] = { queues: ['light', 'heavy'], drainSeconds: 5 };

/** How long a step that was asked to stop may take to do so. */
const stopSeconds = 10;

/**
 * Steps at once, by the number of CPUs. Light ones mostly wait, for disks and servers; heavy ones render in child processes, whose
 * number the renderer bounds for the whole process.
 */
export function stepsAtOnce(
  { lightSteps, heavySteps }: Pick<Configuration['worker'], 'lightSteps' | 'heavySteps'>,
  cpus = availableParallelism(),
): Readonly<Record<Queue, number>> {
  return { light: lightSteps ?? Math.max(8, 4 * cpus), heavy: heavySteps ?? Math.max(2, cpus) };
}

/** The light queue's worker runs the workflows, too: only there, so that a CPU full of renditions holds none of them up. */
export function createWorkers({ configuration, workflowBundle, ...shared }: WorkersOptions): Promise<Worker[]> {
  const steps = stepsAtOnce(configuration);
  const { drainSeconds } = configuration;
  return Promise.all(
    configuration.queues.map(async (queue) =>
      queue === 'light'
        ? createWorker({ ...shared, drainSeconds, taskQueue: names.taskQueue, steps: steps.light, workflowBundle })
        : createWorker({ ...shared, drainSeconds, taskQueue: names.heavyTaskQueue, steps: steps.heavy }),
    ),
  );
}

/** One worker; it runs workflows where it has a bundle. */
export function createWorker({ steps, drainSeconds, workflowBundle, ...shared }: WorkerOptions): Promise<Worker> {
  return Worker.create({
    ...shared,
    maxConcurrentActivityTaskExecutions: steps,
    ...(workflowBundle !== undefined && {
      workflowBundle: { codePath: workflowBundle },
      maxConcurrentLocalActivityExecutions: steps * 2,
    }),
    // People watch the progress that heartbeats carry.
    maxHeartbeatThrottleInterval: '500ms',
    defaultHeartbeatThrottleInterval: '500ms',
    // Nothing new is begun; what runs may end, then is asked to stop where the next worker goes on, then is left to its timeout.
    shutdownGraceTime: drainSeconds * 1000,
    shutdownForceTime: (drainSeconds + stopSeconds) * 1000,
  });
}
