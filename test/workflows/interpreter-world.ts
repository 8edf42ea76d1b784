/**
 * The interpreter on a real Temporal server with activities that the test writes: what they are called with, and in which
 * order, is what the interpreter decides.
 */
import { pino } from 'pino';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll } from 'vitest';
import { installTemporalRuntime } from '../../engine/temporal/install-runtime.js';
import type {
  FinishInput,
  Outcome,
  PinnedModel,
  PinnedStep,
  StepInput,
  StepOutput,
  WorkflowInput,
  WorkflowState,
} from '../../workflows/contract/model.js';
import { names } from '../../workflows/contract/model.js';
import { useTemporalServer } from '../support/temporal.js';
import { workflowBundle } from '../support/workflow-bundle.js';

export type StepFunction = (input: StepInput) => Promise<StepOutput>;

export interface Steps {
  /** By activity type, `test/one@1`. */
  readonly steps: Readonly<Record<string, StepFunction>>;
  readonly chunks?: (input: StepInput) => Promise<number>;
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

export function model(steps: readonly PinnedStep[], changes: Partial<PinnedModel> = {}): PinnedModel {
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

async function record(name: string, handle: WorkflowHandle): Promise<void> {
  const folder = fileURLToPath(new URL('../histories/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const readable = History.toObject(History.fromObject(await handle.fetchHistory()), {
    enums: String,
    longs: String,
    bytes: String,
  });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(readable, withoutMachine, 2)}\n`);
}

export function useInterpreter() {
  const server = useTemporalServer();
  let connection: NativeConnection;
  let client: Client;
  let bundle: { codePath: string };
  beforeAll(async () => {
    installTemporalRuntime(pino({ level: 'silent' }));
    bundle = await workflowBundle();
    connection = await NativeConnection.connect({ address: server().address });
    client = new Client({ connection });
  }, 240_000);
  afterAll(() => connection.close());

  /** Runs a model until it and its completion model ended; `meanwhile` runs beside it. */
  async function run(
    pinned: PinnedModel,
    { steps, chunks, recordAs }: Steps,
    meanwhile?: (handle: WorkflowHandle) => Promise<void>,
  ): Promise<EndedRun> {
    const finished: FinishInput[] = [];
    const workflowId = `test-${randomUUID()}`;
    const worker = await Worker.create({
      connection,
      taskQueue: workflowId,
      workflowBundle: bundle,
      maxHeartbeatThrottleInterval: 200,
      activities: {
        ...steps,
        [names.chunksActivity]: chunks ?? (() => Promise.resolve(0)),
        [names.finishActivity]: async (input: FinishInput) => void finished.push(input),
      },
    });
    return worker.runUntil(async () => {
      const input: WorkflowInput = {
        model: pinned,
        request: `/var/workflow/requests/${workflowId}`,
        payload: '/content/dam',
        tenant: 'aurora',
        initiator: 'ada',
      };
      const handle = await client.workflow.start(pinned.id, {
        workflowId,
        taskQueue: workflowId,
        args: [input],
        typedSearchAttributes: new TypedSearchAttributes([
          {
            key: defineSearchAttributeKey(names.searchAttributes.tenant, SearchAttributeType.KEYWORD),
            value: 'aurora',
          },
        ]),
      });
      const [ended] = await Promise.allSettled([handle.result() as Promise<Outcome>, meanwhile?.(handle)]);
      if (pinned.completion && pinned.transient) await client.workflow.getHandle(`${workflowId}-completed`).result();
      if (recordAs !== undefined && process.env['SATCHEL_RECORD_HISTORIES']) await record(recordAs, handle);
      return {
        workflowId,
        result: ended.status === 'fulfilled' ? ended.value : undefined,
        error: ended.status === 'rejected' ? (ended.reason as unknown) : undefined,
        state: await handle.query<WorkflowState>(names.stateQuery),
        finished,
      };
    });
  }

  return { run, client: () => client, bundle: () => bundle };
}
