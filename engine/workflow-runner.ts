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
import { createDataConverter } from './temporal/encrypting-codec.js';
import { createTemporalLink } from './temporal/temporal-link.js';
import { allQueues, createWorkers } from './worker.js';

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

const built = (name: string) => fileURLToPath(new URL(`../${name}.js`, import.meta.url));

/** How soon after a commit requests of other processes are looked for; each look reads all that are open. */
const followMs = 1_000;

/** @param onConnected the server is there (again) */
export function createWorkflowRunner(options: EngineOptions, onConnected: () => void): WorkflowRunner {
  const { dataFolder, configuration, registry, services, log } = options;
  const worker = options.worker ?? allQueues;
  const keys = configuration.encryptionKey ?? [];
  const dataConverter = createDataConverter(keys);
  const builtBundle = built(keys.length > 0 ? 'workflow-bundle-encoded-failures' : 'workflow-bundle');
  const activities = createActivities({ registry, services, log });
  const link = createTemporalLink({
    dataFolder,
    configuration,
    taskQueue: names.taskQueue,
    log,
    dataConverter,
    createWorkers: (connection) =>
      createWorkers({
        connection,
        namespace: configuration.namespace,
        dataConverter,
        activities,
        workflowBundle: options.workflowBundle ?? builtBundle,
        configuration: worker,
      }),
    onConnected: () => {
      launcher.wake();
      onConnected();
    },
    onProgress: options.onProgress ?? (() => undefined),
  });
  const client = () => link.client();
  const launcher = createLauncher({ repository: services.repository, client, taskQueue: names.taskQueue, log });
  // Another process may have saved a request, and may be gone or work on other queues.
  const stopFollowing = configuration.address === undefined ? undefined : services.repository.onCommit(wakeSoon);
  let soon: NodeJS.Timeout | undefined;
  function wakeSoon(): void {
    soon ??= setTimeout(() => {
      soon = undefined;
      launcher.wake();
    }, followMs).unref();
  }
  return {
    status: () => link.status(),
    client,
    start: () => link.start(),
    wake: () => launcher.wake(),
    async close() {
      stopFollowing?.();
      clearTimeout(soon);
      await launcher.close();
      await link.close();
    },
  };
}
