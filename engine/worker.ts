import { Worker, type NativeConnection } from '@temporalio/worker';
import type { SatchelActivities } from '../activities/run-step.js';

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly activities: SatchelActivities;
  /** File of the workflow bundle that was built ahead. */
  readonly workflowBundle: string;
}

/** Steps at once. They stream and render in child processes, so that a few more than cores keep the machine busy. */
const concurrentSteps = 8;

export function createWorker(options: WorkerOptions): Promise<Worker> {
  const { connection, namespace, taskQueue, activities, workflowBundle } = options;
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    workflowBundle: { codePath: workflowBundle },
    maxConcurrentActivityTaskExecutions: concurrentSteps,
    maxConcurrentLocalActivityExecutions: concurrentSteps * 2,
    // People watch the progress that heartbeats carry.
    maxHeartbeatThrottleInterval: '500ms',
    defaultHeartbeatThrottleInterval: '500ms',
    // A step learns of the shutdown at once, and has this long to stop where the next worker goes on.
    shutdownGraceTime: '2s',
    shutdownForceTime: '15s',
  });
}
