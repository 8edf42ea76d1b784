/**
 * Runs a model in a trial: with the steps that run in earnest, one node after the other, without Temporal. Branches that would
 * run at once run one after the other; people and what is outside are answered for, or taken as done.
 */
import type { Logger } from 'pino';
import { countChunks, runStep } from '../../activities/run-step.js';
import { createConditions } from '../../activities/satchel/conditions.js';
import { checkMetadata } from '../../activities/satchel/metadata-values.js';
import { readMetadata, readPinnedModel, type WorkflowRequest } from '../../activities/satchel/request-node.js';
import { createWorkItemActivities } from '../../activities/satchel/work-items.js';
import type { StepAttempt } from '../../activities/step-context.js';
import { downloadsRoot } from '../../dam/download-job.js';
import { openDownloadJob } from '../../dam/download-job-store.js';
import { isDescendantOrSelf } from '../../repository/path.js';
import { RepositoryError } from '../../repository/errors.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { mergeMetadata } from '../../workflows/contract/metadata.js';
import {
  activityType,
  type JsonObject,
  type JsonValue,
  type Outcome,
  type PinnedBranch,
  type PinnedModel,
  type PinnedNode,
  type PinnedStep,
  type StepInput,
} from '../../workflows/contract/model.js';
import { isProcess, nodesOf } from '../../workflows/contract/step-records.js';
import type { SimulatedStep, Simulation, SimulationOrder } from '../api.js';
import { downloadModel, requestDownload, requestWorkflow, type RequestServices } from '../workflow-requests.js';
import { openTrial, type Trial, type TrialOptions } from './open-trial.js';
import { noEffects, watchEffects } from './step-effects.js';

export interface SimulateOptions extends RequestServices {
  readonly trial: TrialOptions;
  readonly log: Logger;
}

/** A loop that never ends in earnest ends by its gotos' bounds; this one is for people who wait. */
const maxNodes = 1_000;

/** @throws SatchelError as Engine.simulate */
export async function simulate(
  options: SimulateOptions,
  order: SimulationOrder,
  signal: AbortSignal,
): Promise<Simulation> {
  for (const answer of Object.values(order.answers ?? {})) checkMetadata(answer);
  const trial = await openTrial(options.trial);
  try {
    const { request, notes } = await requestInTrial({ services: trial.services, registry: options.registry }, order);
    const { model, metadata } = await trial.services.repository.withSession(
      { service: 'workflow' },
      async (session) => {
        const node = await session.getNode(request.path);
        return { model: await readPinnedModel(session, node), metadata: (await readMetadata(session, node)) ?? {} };
      },
    );
    checkAnswers(model, order);
    const run = new SimulatedRun(options, trial, request, order, signal, metadata);
    const outcome = await run.runModel(model);
    return {
      model: model.id,
      version: model.version,
      tenant: request.tenant,
      outcome,
      steps: run.steps,
      metadata: run.metadata,
      notes,
    };
  } finally {
    await trial.close();
  }
}

/** Everything that is refused in earnest is refused here, by the same checks. */
async function requestInTrial(
  options: RequestServices,
  { model, payload, initiator, tenant, metadata }: SimulationOrder,
): Promise<{ readonly request: WorkflowRequest; readonly notes: readonly string[] }> {
  if (model !== downloadModel) {
    const order = { model, payload, initiator, ...(tenant !== undefined && { tenant }), ...(metadata && { metadata }) };
    return { request: await requestWorkflow(options, order), notes: [] };
  }
  if (!isDescendantOrSelf(payload, downloadsRoot)) {
    const input = { paths: [payload], ...(tenant !== undefined && { tenant }) };
    return { request: await requestDownload(options, initiator, input), notes: [] };
  }
  const { repository } = options.services;
  const { outFolder, ...request } = await repository.withSession(
    { service: 'workflow' },
    async (session) => (await openDownloadJob(session, payload)).request,
  );
  return {
    request: await requestDownload(options, initiator, request),
    notes: outFolder === undefined ? [] : [`The archives would also be written into the folder ${outFolder}.`],
  };
}

/** @throws SatchelError INVALID_REQUEST for answers to what asks nothing */
function checkAnswers({ steps, id }: PinnedModel, { answers = {} }: SimulationOrder): void {
  const asking = Array.from(allNodes(steps, ''), ({ node, name }) => ({ kind: node.kind, name }))
    .filter(({ kind }) => kind === 'participant' || kind === 'external')
    .map(({ name }) => name);
  const unknown = Object.keys(answers).find((name) => !asking.includes(name));
  if (unknown === undefined) return;
  const those = asking.length === 0 ? 'nothing in it does' : `those that do are ${asking.join(', ')}`;
  throw new SatchelError('INVALID_REQUEST', `answers: "${unknown}" of ${id} waits for no answer; ${those}.`);
}

/** With what containers hold, named below them. */
function* allNodes(nodes: readonly PinnedNode[], prefix: string): Generator<{ node: PinnedNode; name: string }> {
  for (const node of nodesOf(nodes)) {
    const name = `${prefix}${node.name}`;
    yield { node, name };
    if (node.kind === 'container') yield* allNodes(node.model.steps, `${name}/`);
  }
}

/** Ends a sequence that failed. */
class Failed extends Error {
  constructor(
    readonly outcome: Extract<Outcome, { state: 'failed' }>,
    readonly compensates: boolean,
  ) {
    super(outcome.message);
  }
}

class SimulatedRun {
  readonly steps: SimulatedStep[] = [];
  #partial = false;
  readonly #visits = new Map<string, number>();
  readonly #results: Record<string, JsonValue> = {};
  readonly #conditions;
  readonly #workItems;
  #count = 0;

  constructor(
    private readonly options: SimulateOptions,
    private readonly trial: Trial,
    private readonly request: WorkflowRequest,
    private readonly order: SimulationOrder,
    private readonly signal: AbortSignal,
    public metadata: JsonObject,
    /** Path of the container it runs in, with a slash behind it. */
    private readonly prefix = '',
  ) {
    this.#conditions = createConditions(trial.services.repository);
    this.#workItems = createWorkItemActivities(trial.services);
  }

  async runModel(model: PinnedModel): Promise<Outcome> {
    let outcome: Outcome;
    try {
      await this.#sequence(model, model.steps);
      outcome = { state: this.#partial ? 'partial' : 'completed' };
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      outcome = error.outcome;
      if (error.compensates) this.#noteCompensations(model);
    }
    const reached = new Set(this.steps.map(({ name }) => name));
    for (const node of nodesOf(model.steps)) {
      if (!reached.has(this.prefix + node.name)) this.#note(node, { state: 'not reached' });
    }
    return outcome;
  }

  async #sequence(model: PinnedModel, nodes: readonly PinnedNode[]): Promise<void> {
    for (let position = 0; position < nodes.length; position++) {
      const node = nodes[position];
      if (!node) return;
      this.signal.throwIfAborted();
      if (++this.#count > maxNodes) {
        throw new SatchelError('LIMIT_EXCEEDED', `The simulation ran ${maxNodes} nodes, and ends here.`);
      }
      try {
        const target = await this.#node(model, node);
        if (target === undefined) continue;
        const next = nodes.findIndex(({ name }) => name === target);
        if (next >= 0) position = next - 1;
      } catch (error) {
        if (!(error instanceof Failed) || node.onError !== 'continue') throw error;
        this.#partial = true;
      }
    }
  }

  /** @returns the name of the node to go to */
  async #node(model: PinnedModel, node: PinnedNode): Promise<string | undefined> {
    if (node.kind !== 'goto') this.#visits.set(node.name, (this.#visits.get(node.name) ?? 0) + 1);
    if (isProcess(node)) {
      await this.#process(model, node);
      return undefined;
    }
    switch (node.kind) {
      case 'and':
        this.#note(node, { state: 'completed', note: 'all branches, here one after the other' });
        for (const branch of node.branches) await this.#sequence(model, branch.steps);
        return undefined;
      case 'or':
        await this.#or(model, node, node.branches);
        return undefined;
      case 'goto':
        return this.#goto(model, node);
      case 'participant':
        await this.#participant(model, node);
        return undefined;
      case 'container':
        await this.#container(node);
        return undefined;
      case 'external': {
        if (node.start) await this.#process(model, { ...node.start, name: node.name });
        const answer = this.order.answers?.[this.prefix + node.name];
        this.#results[node.name] = answer ?? null;
        const note = answer ? `is answered with ${JSON.stringify(answer)}` : 'waits for what is outside: taken as done';
        this.#note(node, { state: 'assumed', note });
        return undefined;
      }
    }
  }

  async #process(model: PinnedModel, node: PinnedStep): Promise<void> {
    const step = this.options.registry.get(node.id, node.major);
    if (step && !step.simulated) {
      const note = 'was not run: it does not say that all it does goes through what it is given ("simulated")';
      this.#note(node, { state: 'assumed', note });
      return;
    }
    const { answer, effects } = await this.#watch(async () => {
      if (!step) throw new SatchelError('UNKNOWN_STEP', `No step ${activityType(node)} is loaded.`);
      const input: StepInput = { step: this.#stepOf(node), workflow: this.#workflow(model) };
      const attempt: StepAttempt = {
        step,
        input,
        services: this.trial.services,
        attempt: 1,
        signal: this.signal,
        log: this.#logger(node),
        onProgress: () => undefined,
      };
      if (!node.chunked) return runStep(attempt);
      const count = await countChunks(attempt);
      const results: JsonValue[] = [];
      let partial = false;
      let metadata: JsonObject = {};
      for (let index = 0; index < count; index++) {
        const output = await runStep({ ...attempt, input: { ...input, chunk: { index, count } } });
        results.push(output.result);
        partial ||= output.partial;
        metadata = { ...metadata, ...output.metadata };
      }
      return { result: results, partial, metadata };
    });
    if (answer.status === 'rejected') throw this.#failed(node, answer.reason, effects);
    const { result, partial, metadata } = answer.value;
    if (partial) this.#partial = true;
    if (metadata) this.metadata = mergeMetadata(this.metadata, metadata);
    this.#results[node.name] = result;
    this.#note(node, { state: 'completed', result, ...(partial && { note: 'some of it failed alone' }) }, effects);
  }

  async #or(model: PinnedModel, node: PinnedNode, branches: readonly PinnedBranch[]): Promise<void> {
    const conditional = branches.filter(({ condition }) => condition !== undefined);
    const index = await this.#firstTrue(
      model,
      node,
      conditional.map(({ condition = '' }) => condition),
    );
    const taken = conditional[index] ?? branches.find(({ condition }) => condition === undefined);
    const why = taken?.condition === undefined ? 'as no condition is true' : `as ${taken.condition}`;
    this.#note(node, { state: 'completed', note: taken ? `takes ${taken.name}, ${why}` : 'takes no branch' });
    for (const branch of branches) {
      if (branch !== taken) for (const other of nodesOf(branch.steps)) this.#note(other, { state: 'skipped' });
    }
    if (taken) await this.#sequence(model, taken.steps);
  }

  async #goto(model: PinnedModel, node: Extract<PinnedNode, { kind: 'goto' }>): Promise<string | undefined> {
    const went = this.#visits.get(node.name) ?? 0;
    const goes =
      went < node.maximum &&
      (node.condition === undefined || (await this.#firstTrue(model, node, [node.condition])) === 0);
    if (goes) this.#visits.set(node.name, went + 1);
    this.#note(node, { state: 'completed', note: goes ? `goes to ${node.target}` : 'goes on' });
    return goes ? node.target : undefined;
  }

  async #participant(model: PinnedModel, node: Extract<PinnedNode, { kind: 'participant' }>): Promise<void> {
    const { name, title, description, notify, assignee } = node;
    const answer = this.order.answers?.[this.prefix + name];
    const item = {
      workflow: this.#workflow(model),
      step: { name: this.prefix + name, title, description, notify },
      assignee,
      visit: this.#visits.get(name) ?? 1,
    };
    const { answer: opened, effects } = await this.#watch(async () => {
      await this.#workItems.open(item);
      if (notify) await this.#workItems.notify(item, this.signal);
      await this.#workItems.close({ ...item, ended: { state: 'completed', by: assignee } });
    });
    if (opened.status === 'rejected') throw this.#failed(node, opened.reason, effects);
    if (answer) this.metadata = mergeMetadata(this.metadata, answer);
    const said = answer ? `completed with ${JSON.stringify(answer)}` : 'taken as completed';
    this.#note(node, { state: 'assumed', note: `is given to ${assignee}: ${said}` }, effects);
  }

  async #container(node: Extract<PinnedNode, { kind: 'container' }>): Promise<void> {
    const inner = new SimulatedRun(
      this.options,
      this.trial,
      this.request,
      this.order,
      this.signal,
      this.metadata,
      `${this.prefix}${node.name}/`,
    );
    const outcome = await inner.runModel(node.model);
    this.metadata = inner.metadata;
    if (outcome.state === 'partial') this.#partial = true;
    if (outcome.state === 'failed') {
      const error = new SatchelError(outcome.code, outcome.message);
      const failed = this.#failed(node, error, noEffects);
      this.steps.push(...inner.steps);
      throw failed;
    }
    this.#note(node, { state: 'completed', note: `runs ${node.model.id}` });
    this.steps.push(...inner.steps);
  }

  #noteCompensations(model: PinnedModel): void {
    const completed = new Set(this.steps.filter(({ state }) => state === 'completed').map(({ name }) => name));
    for (const node of nodesOf(model.steps)) {
      if (!isProcess(node) || !node.compensation || !completed.has(this.prefix + node.name)) continue;
      this.#note(node.compensation, { state: 'assumed', note: `would undo ${node.name}` });
    }
  }

  #firstTrue(model: PinnedModel, node: PinnedNode, conditions: readonly string[]): Promise<number> {
    if (conditions.length === 0) return Promise.resolve(-1);
    const visits = Object.fromEntries(
      Array.from(nodesOf(model.steps), ({ name }) => [name, this.#visits.get(name) ?? 0]),
    );
    const scope = { metadata: this.metadata, results: this.#results, visits };
    return this.#conditions({ conditions, workflow: this.#workflow(model), scope }).catch((error: unknown) => {
      throw this.#failed(node, error, noEffects);
    });
  }

  #watch<T>(work: () => Promise<T>) {
    const { trial, order, request } = this;
    return watchEffects({ trial, user: order.initiator, payload: request.payload }, work);
  }

  #stepOf({ name, id, major, title, config, layer }: PinnedStep): StepInput['step'] {
    const visit = this.#visits.get(name) ?? 1;
    return { name, id, major, title, config, layer, ...(visit > 1 && { visit }) };
  }

  #workflow(model: PinnedModel): StepInput['workflow'] {
    const { id, path, payload, tenant, initiator } = this.request;
    const about = { id, request: path, payload, tenant, initiator, model: model.id, modelVersion: model.version };
    return { ...about, metadata: this.metadata };
  }

  #logger(node: PinnedStep): StepAttempt['log'] {
    const log = this.options.log.child({ simulated: this.request.model, step: node.name });
    const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) =>
      log[level](fields ?? {}, message);
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  #failed(node: PinnedNode, reason: unknown, effects: typeof noEffects): Failed {
    this.signal.throwIfAborted();
    const known = reason instanceof SatchelError || reason instanceof RepositoryError;
    const message = reason instanceof Error ? reason.message : String(reason);
    const code = reason instanceof SatchelError ? reason.code : 'STEP_FAILED';
    if (!known) this.options.log.warn({ err: reason, step: node.name }, 'a simulated step failed');
    this.#note(node, { state: 'failed', error: { code, message } }, effects);
    return new Failed({ state: 'failed', code, message, step: node.name }, node.onError === 'compensate');
  }

  #note(node: PinnedNode, how: Pick<SimulatedStep, 'state' | 'note' | 'result' | 'error'>, effects = noEffects): void {
    const id = isProcess(node) ? node.id : node.kind;
    this.steps.push({ name: this.prefix + node.name, id, title: node.title, ...how, ...effects });
  }
}
