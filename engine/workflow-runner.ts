/**
 * All of the engine that speaks to Temporal: the connection, the worker, the launches. The engine loads it when it starts;
 * loading takes longer than most commands run.
 */
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { createActivities } from '../activities/run-step.js';
import { names } from '../workflows/contract/model.js';
import type { TemporalStatus } from './api.js';
import type { EngineOptions } from './create-engine.js';
import { createLauncher } from './launcher.js';
import { createTemporalLink } from './temporal/temporal-link.js';
import { createWorker } from './worker.js';

export interface WorkflowRunner {
  status(): TemporalStatus;
  /** `undefined` while the server is away. */
  client(): Client | undefined;
  /** Resolves once connected. @throws SatchelError when no retry can help */
  start(): Promise<void>;
  /** Looks for requests to launch. */
  wake(): void;
  close(): Promise<void>;
}

const builtBundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

export function createWorkflowRunner(options: EngineOptions): WorkflowRunner {
  const { dataFolder, configuration, registry, services, log } = options;
  const activities = createActivities({ registry, services, log });
  const link = createTemporalLink({
    dataFolder,
    configuration,
    taskQueue: names.taskQueue,
    log,
    createWorker: (connection) =>
      createWorker({
        connection,
        namespace: configuration.namespace,
        taskQueue: names.taskQueue,
        activities,
        workflowBundle: options.workflowBundle ?? builtBundle,
      }),
    onConnected: () => launcher.wake(),
    onProgress: options.onProgress ?? (() => undefined),
  });
  const client = () => link.client();
  const launcher = createLauncher({ repository: services.repository, client, taskQueue: names.taskQueue, log });
  return {
    status: () => link.status(),
    client,
    start: () => link.start(),
    wake: () => launcher.wake(),
    async close() {
      await launcher.close();
      await link.close();
    },
  };
}
