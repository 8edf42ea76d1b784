/**
 * The interpreter on a real Temporal server with activities that the test writes: what they are called with, and in which
 * order, is what the interpreter decides.
 */
import { pino } from 'pino';
import { randomUUID } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { installTemporalRuntime } from '../../engine/temporal/install-runtime.js';
import type {
  ConditionInput,
  FinishInput,
  Outcome,
  PinnedBranch,
  PinnedModel,
  PinnedNode,
  PinnedParticipant,
  PinnedStep,
  StepInput,
  StepOutput,
  WorkflowInput,
  WorkflowState,
  WorkItemInput,
} from '../../workflows/contract/model.js';
import { names } from '../../workflows/contract/model.js';
import { useTemporalServer } from '../support/temporal.js';
import { workflowBundle } from '../support/workflow-bundle.js';

export type StepFunction = (input: StepInput) => Promise<StepOutput>;

export interface Steps {
  /** By activity type, `test/one@1`. */
  readonly steps: Readonly<Record<string, StepFunction>>;
  readonly chunks?: (input: StepInput) => Promise<number>;
  /** Whether a condition is true. Default: `true` alone is. */
  readonly holds?: (condition: string, input: ConditionInput) => boolean;
  /** What happens to work items, in order; may answer them, as a person would. */
  readonly workItems?: (what: 'open' | 'close' | 'notify', input: WorkItemInput) => Promise<void> | void;
  /** Where the run begins; metadata of the launch. */
  readonly input?: Partial<WorkflowInput>;
  /** Runs a worker of the heavy task queue too. */
  readonly heavy?: Readonly<Record<string, StepFunction>>;
  /** With SATCHEL_RECORD_HISTORIES set, the history is kept as test/histories/<name>.json for replay.test.ts. */
  readonly recordAs?: string;
}

export interface EndedRun {
  readonly workflowId: string;
  /** What the workflow returned, when it did not fail. */
  readonly result: Outcome | undefined;
  readonly error: unknown;
  readonly state: WorkflowState;
  /** What was recorded at the end, of this workflow and of its completion model, in order. */
  readonly finished: readonly FinishInput[];
}

export const done: StepFunction = () => Promise.resolve({ result: null, partial: false });

export function step(name: string, changes: Partial<PinnedStep> = {}): PinnedStep {
  return {
    name,
    id: `test/${name}`,
    major: 1,
    title: `Step ${name}`,
    config: {},
    layer: '/libs',
    local: false,
    chunked: false,
    parallel: 2,
    timeoutSeconds: 30,
    maximumAttempts: 3,
    ...changes,
  };
}

/** A local step: most tests ask for the order of things, and local activities tell it fastest. */
export function local(name: string, changes: Partial<PinnedStep> = {}): PinnedStep {
  return step(name, { local: true, id: 'test/any', maximumAttempts: 1, ...changes });
}

const about = (name: string) => ({ name, title: `Node ${name}`, layer: '/libs' });

export function branch(name: string, steps: readonly PinnedNode[], condition?: string): PinnedBranch {
  return { ...about(name), steps, ...(condition !== undefined && { condition }) };
}

export function and(name: string, branches: readonly PinnedBranch[], onError?: PinnedNode['onError']): PinnedNode {
  return { ...about(name), kind: 'and', branches, ...(onError && { onError }) };
}

export function or(name: string, branches: readonly PinnedBranch[], onError?: PinnedNode['onError']): PinnedNode {
  return { ...about(name), kind: 'or', branches, ...(onError && { onError }) };
}

export function goTo(name: string, target: string, maximum: number, condition?: string): PinnedNode {
  return { ...about(name), kind: 'goto', target, maximum, ...(condition !== undefined && { condition }) };
}

export function participant(name: string, changes: Partial<PinnedParticipant> = {}): PinnedNode {
  return {
    ...about(name),
    kind: 'participant',
    assignee: 'editors',
    description: 'Look at it',
    notify: false,
    ...changes,
  };
}

export function model(steps: readonly PinnedNode[], changes: Partial<PinnedModel> = {}): PinnedModel {
  return {
    id: 'test/model',
    title: 'Test model',
    version: 'v1',
    layers: ['/libs'],
    transient: false,
    steps,
    ...changes,
  };
}

/** Something one flow waits for and another lets happen. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

/** What tells of the machine it was recorded on, and does not matter in a replay. */
const withoutMachine = (key: string, value: unknown) =>
  key === 'stackTrace' ? undefined : key === 'identity' ? 'test' : value;

const { History } = temporal.api.history.v1;

/** Writes the history of a run for replay.test.ts, unless there is one of that name. */
export async function record(name: string, handle: WorkflowHandle): Promise<void> {
  const folder = fileURLToPath(new URL('../histories/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  // What an earlier version wrote is what a later one must replay.
  if (
    await access(file).then(
      () => true,
      () => false,
    )
  )
    return;
  const readable = History.toObject(History.fromObject(await handle.fetchHistory()), {
    enums: String,
    longs: String,
    bytes: String,
  });
  await writeFile(file, `${JSON.stringify(readable, withoutMachine, 2)}\n`);
}

export interface InterpreterOptions {
  /** Of a server that the file starts itself. Default: an embedded one. */
  readonly address?: () => string;
  /** A server that skips time: there is one for each test, and it knows no search attributes of Satchel. */
  readonly skipsTime?: boolean;
}

export function useInterpreter({ address, skipsTime = false }: InterpreterOptions = {}) {
  const server = address ?? embeddedAddress();
  let connection: NativeConnection;
  let client: Client;
  let bundle: { codePath: string };
  const [before, after] = skipsTime ? [beforeEach, afterEach] : [beforeAll, afterAll];
  before(async () => {
    installTemporalRuntime(pino({ level: 'silent' }));
    bundle = await workflowBundle();
    connection = await connectPatiently(server());
    client = new Client({ connection });
  }, 240_000);
  after(() => connection.close());

  /** Runs a model until it and its completion model ended; `meanwhile` runs beside it. */
  async function run(
    pinned: PinnedModel,
    setup: Steps,
    meanwhile?: (handle: WorkflowHandle) => Promise<void>,
  ): Promise<EndedRun> {
    const { recordAs, heavy } = setup;
    const finished: FinishInput[] = [];
    const workflowId = `test-${randomUUID()}`;
    const worker = await Worker.create({
      connection,
      taskQueue: workflowId,
      workflowBundle: bundle,
      maxHeartbeatThrottleInterval: 200,
      activities: activitiesOf(setup, finished),
    });
    const heavyWorker =
      heavy && (await Worker.create({ connection, taskQueue: names.heavyTaskQueue, activities: { ...heavy } }));
    const untilEnded = () => worker.runUntil(startAndWait);
    return heavyWorker ? heavyWorker.runUntil(untilEnded) : untilEnded();

    async function startAndWait(): Promise<EndedRun> {
      const input: WorkflowInput = {
        model: pinned,
        request: `/var/workflow/requests/${workflowId}`,
        payload: '/content/dam',
        tenant: 'aurora',
        initiator: 'ada',
        ...setup.input,
      };
      const handle = await client.workflow.start(pinned.id, {
        workflowId,
        taskQueue: workflowId,
        args: [input],
        ...(!skipsTime && { typedSearchAttributes: tenantAttribute }),
      });
      // What it waits for may never come then.
      const beside = meanwhile?.(handle).catch(async (error: unknown) => {
        await handle.terminate('the test failed').catch(() => undefined);
        throw error;
      });
      const [ended, told] = await Promise.allSettled([handle.result() as Promise<Outcome>, beside]);
      if (told.status === 'rejected') throw told.reason;
      if (pinned.completion && pinned.transient) await client.workflow.getHandle(`${workflowId}-completed`).result();
      if (recordAs !== undefined && process.env['SATCHEL_RECORD_HISTORIES']) {
        // Of a run that goes on as new, its first: that is the one which ends so.
        await record(recordAs, client.workflow.getHandle(workflowId, handle.firstExecutionRunId));
      }
      return {
        workflowId,
        result: ended.status === 'fulfilled' ? ended.value : undefined,
        error: ended.status === 'rejected' ? (ended.reason as unknown) : undefined,
        state: await handle.query<WorkflowState>(names.stateQuery),
        finished,
      };
    }
  }

  return { run, client: () => client, bundle: () => bundle };
}

const tenantAttribute = new TypedSearchAttributes([
  { key: defineSearchAttributeKey(names.searchAttributes.tenant, SearchAttributeType.KEYWORD), value: 'aurora' },
]);

function embeddedAddress(): () => string {
  const server = useTemporalServer();
  return () => server().address;
}

/** A server that was just started may not listen yet. */
async function connectPatiently(address: string): Promise<NativeConnection> {
  for (const deadline = Date.now() + 60_000; ;) {
    try {
      return await NativeConnection.connect({ address });
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

function activitiesOf({ steps, chunks, holds, workItems }: Steps, finished: FinishInput[]) {
  const isTrue = holds ?? ((condition: string) => condition === 'true');
  return {
    ...steps,
    [names.chunksActivity]: chunks ?? (() => Promise.resolve(0)),
    [names.conditionActivity]: (input: ConditionInput) =>
      Promise.resolve(input.conditions.findIndex((condition) => isTrue(condition, input))),
    [names.openWorkItemActivity]: async (input: WorkItemInput) => workItems?.('open', input),
    [names.closeWorkItemActivity]: async (input: WorkItemInput) => workItems?.('close', input),
    [names.notifyWorkItemActivity]: async (input: WorkItemInput) => workItems?.('notify', input),
    [names.finishActivity]: async (input: FinishInput) => void finished.push(input),
  };
}
