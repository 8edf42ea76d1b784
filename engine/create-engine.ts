import type { Logger } from 'pino';
import type { StepServices } from '../activities/define-step.js';
import type { StepRegistry } from '../activities/registry.js';
import { createFinish } from '../activities/satchel/finish.js';
import { readPinnedModel, type WorkflowRequest } from '../activities/satchel/request-node.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { initialRecords } from '../workflows/contract/step-records.js';
import type { Engine, JobSummary, TemporalStatus } from './api.js';
import type { Configuration } from './configuration.js';
import { createJobReader, summaryOf } from './jobs.js';
import { planDownload, requestDownload, requestWorkflow } from './workflow-requests.js';
import type { WorkflowRunner } from './workflow-runner.js';

export interface EngineOptions {
  readonly dataFolder: string;
  readonly configuration: Configuration['temporal'];
  readonly registry: StepRegistry;
  readonly services: StepServices;
  readonly log: Logger;
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
  const finish = createFinish(repository);

  /** Saved already: from here on nothing that happens loses it. */
  function handOver(request: WorkflowRequest): JobSummary {
    runner?.wake();
    return summaryOf(request);
  }

  return {
    planDownload: (user, input) => planDownload({ services, registry }, user, input),
    requestDownload: async (user, input) => handOver(await requestDownload({ services, registry }, user, input)),
    launch: async (order) => handOver(await requestWorkflow({ services, registry }, order)),
    jobs: (user, { limit = 50 } = {}) => reader.jobs(user, limit),
    job: (user, id) => reader.job(user, id),
    follow: (user, id, signal) => reader.follow(user, id, signal),
    cancel: async (user, id) => cancel(await reader.request(user, id)),
    temporal: () => runner?.status() ?? atRest(configuration),
    start: async ({ wait = true } = {}) => {
      loading ??= import('./workflow-runner.js').then((module) => (runner = module.createWorkflowRunner(options)));
      const started = (await loading).start();
      if (wait) await started;
    },
    close: async () => (await loading)?.close(),
  };

  /** What ended already stays as it ended. */
  async function cancel(request: WorkflowRequest): Promise<void> {
    if (request.state === 'requested') return cancelWaiting(request);
    if (request.state !== 'launched') return;
    const current = client();
    if (!current) {
      throw new SatchelError(
        'TEMPORAL_UNAVAILABLE',
        `Job ${request.id} cannot be cancelled while the Temporal server is away.`,
      );
    }
    const { WorkflowNotFoundError } = await import('@temporalio/client');
    await current.workflow
      .getHandle(request.id)
      .cancel()
      .catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
  }

  /** Nothing runs yet; a workflow that is started in this very moment is cancelled by the launcher, which misses its node. */
  async function cancelWaiting({ id, path, payload, tenant, initiator }: WorkflowRequest): Promise<void> {
    const model = await repository.withSession({ service: 'workflow' }, async (session) => {
      const node = await session.findNode(path);
      return node && readPinnedModel(session, node);
    });
    if (!model) return;
    await finish({
      workflow: { id, request: path, payload, tenant, initiator, model: model.id, modelVersion: model.version },
      transient: model.transient,
      followed: false,
      outcome: { state: 'cancelled' },
      steps: initialRecords(model),
    });
  }
}

function atRest({ address }: Configuration['temporal']): TemporalStatus {
  return { state: 'stopped', address, uiUrl: undefined, embedded: address === undefined };
}
