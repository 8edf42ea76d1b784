import type { Logger } from 'pino';
import type { StepServices } from '../activities/define-step.js';
import type { StepRegistry } from '../activities/registry.js';
import type { WorkflowRequest } from '../activities/satchel/request-node.js';
import type { Engine, JobSummary, TemporalStatus } from './api.js';
import type { Configuration } from './configuration.js';
import { checkRunning } from './instances/check-running.js';
import { createJobControl } from './instances/control-jobs.js';
import { summaryOf } from './instances/list-jobs.js';
import { rerunJob, retryJob } from './instances/repeat-jobs.js';
import { createJobReader } from './jobs.js';
import type { TrialOptions } from './simulation/open-trial.js';
import { createWorkItems } from './work-items/work-items.js';
import { planDownload, requestDownload, requestWorkflow } from './workflow-requests.js';
import type { WorkflowRunner } from './workflow-runner.js';

export interface EngineOptions {
  readonly dataFolder: string;
  readonly configuration: Configuration['temporal'];
  /** Default: all queues. */
  readonly worker?: Configuration['worker'];
  readonly registry: StepRegistry;
  readonly services: StepServices;
  readonly log: Logger;
  /** What workflows are simulated in. */
  readonly trial: TrialOptions;
  /** Default: the bundle of the build, beside the compiled sources. */
  readonly workflowBundle?: string;
  /** Says what people wait for at start. */
  readonly onProgress?: (message: string) => void;
}

/** An engine at rest: requests are taken and kept; `start` brings Temporal and the worker. */
export function createEngine(options: EngineOptions): Engine {
  const { configuration, registry, services } = options;
  const { repository } = services;
  let runner: WorkflowRunner | undefined;
  let loading: Promise<WorkflowRunner> | undefined;
  const client = () => runner?.client();
  const reader = createJobReader({ repository, client });
  const request: typeof reader.request = (user, id) => reader.request(user, id);
  const control = createJobControl({ repository, client, request, log: options.log });
  const requesting = { services, registry };

  function finishTerminations(): void {
    control
      .finishTerminations()
      .catch((error: unknown) => options.log.error({ err: error }, 'looking for terminated workflows failed'));
  }

  /** Saved already: from here on nothing that happens loses it. */
  function handOver(request: WorkflowRequest): JobSummary {
    runner?.wake();
    return summaryOf(request);
  }

  return {
    planDownload: (user, input) => planDownload(requesting, user, input),
    requestDownload: async (user, input) => handOver(await requestDownload(requesting, user, input)),
    launch: async (order) => handOver(await requestWorkflow(requesting, order)),
    jobs: async (user, query = {}) => [...(await reader.list(user, query)).jobs],
    listJobs: (user, query = {}) => reader.list(user, query),
    job: (user, id) => reader.job(user, id),
    follow: (user, id, signal) => reader.follow(user, id, signal),
    cancel: control.cancel,
    terminate: control.terminate,
    pause: control.pause,
    resume: control.resume,
    comment: control.comment,
    completeExternal: control.completeExternal,
    retry: async (user, id) => handOver(await retryJob({ ...requesting, request }, user, id)),
    rerun: async (user, id) => handOver(await rerunJob({ ...requesting, request }, user, id)),
    simulate: async (order, signal = new AbortController().signal) => {
      const { simulate } = await import('./simulation/simulate.js');
      return simulate({ ...requesting, trial: options.trial, log: options.log }, order, signal);
    },
    checkRunning: (user, query) => checkRunning({ ...requesting, client }, user, query),
    ...createWorkItems({ repository, client }),
    wake: () => runner?.wake(),
    temporal: () => runner?.status() ?? atRest(configuration),
    start: async ({ wait = true } = {}) => {
      loading ??= import('./workflow-runner.js').then(
        (module) => (runner = module.createWorkflowRunner(options, finishTerminations)),
      );
      const started = (await loading).start();
      if (wait) await started;
    },
    close: async () => (await loading)?.close(),
  };
}

function atRest({ address }: Configuration['temporal']): TemporalStatus {
  return { state: 'stopped', address, uiUrl: undefined, embedded: address === undefined };
}
