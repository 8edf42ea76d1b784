/** What one run of a model knows: where every node is, the metadata map, and what waits for an answer from outside. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { mergeMetadata, metadataProblem } from './contract/metadata.js';
import type { ErrorCode } from './contract/errors.js';
import type {
  JsonObject,
  Outcome,
  PinnedModel,
  PinnedNode,
  StepInput,
  StepOutput,
  StepRecord,
  WorkflowInput,
  WorkflowState,
} from './contract/model.js';
import { nodesOf } from './contract/step-records.js';
import { completedBefore, recordsOf } from './seeded-records.js';
import type { WaitingNode } from './waiting-node.js';

export type WritableRecord = { -readonly [K in keyof StepRecord]: StepRecord[K] };

export interface Run {
  readonly input: WorkflowInput;
  readonly model: PinnedModel;
  readonly nodes: ReadonlyMap<string, PinnedNode>;
  readonly records: readonly WritableRecord[];
  /** What activities are told of the workflow, with the metadata map as it is now. */
  workflow(): StepInput['workflow'];
  state(): WorkflowState;
  metadata: JsonObject;
  /** Something failed alone. */
  partial: boolean;
  paused: boolean;
  /** Set once it has ended. */
  outcome: Outcome | undefined;
  /** Names of the steps that completed, the newest last: the order of compensations, backwards. */
  readonly completed: string[];
  /** Nodes and conditions that are being worked on right now. */
  busy: number;
  /** Splits and chunked steps in which several things run at once now. */
  forked: number;
  /** A sequence stopped before its next node, so that the run may go on as new. */
  halt(): void;
  readonly halted: Promise<void>;
  /** Participants and external processes that were reached, by name. */
  readonly waiting: Map<string, WaitingNode>;
  /** Runs nodes one after the other. Given here, since splits run sequences and sequences run splits. */
  runSequence(nodes: readonly PinnedNode[]): Promise<void>;
  /** Puts the state where the Temporal UI shows it. */
  show(): void;
}

export function createRun(input: WorkflowInput, { runSequence, show }: Pick<Run, 'runSequence' | 'show'>): Run {
  const { model, seed, metadata: launched, ...rest } = input;
  const about: StepInput['workflow'] = {
    ...rest,
    id: workflowInfo().workflowId,
    model: model.id,
    modelVersion: model.version,
    ...(seed?.keysOf !== undefined && { keysOf: seed.keysOf }),
  };
  const records: WritableRecord[] = recordsOf(model, seed);
  const run: Run = {
    input,
    model,
    nodes: new Map(Array.from(nodesOf(model.steps), (node) => [node.name, node])),
    records,
    workflow: () => (hasEntries(run.metadata) ? { ...about, metadata: run.metadata } : about),
    state: () => ({
      model: model.id,
      version: model.version,
      outcome: run.outcome ?? { state: run.paused ? 'paused' : 'running' },
      steps: records,
      ...(hasEntries(run.metadata) && { metadata: run.metadata }),
    }),
    metadata: seed?.metadata ?? launched ?? {},
    partial: seed?.partial ?? false,
    paused: seed?.paused ?? false,
    outcome: undefined,
    completed: completedBefore(seed),
    busy: 0,
    forked: 0,
    ...haltable(),
    waiting: new Map(),
    runSequence,
    show,
  };
  return run;
}

/** A promise that no cancellation rejects, other than a Trigger's. */
function haltable(): Pick<Run, 'halt' | 'halted'> {
  let halt: (() => void) | undefined;
  const halted = new Promise<void>((resolve) => (halt = resolve));
  return { halt: () => halt?.(), halted };
}

/** The record of a node. @throws TypeError for one that is not of this model, which no pinned model has */
export function recordOf({ records }: Run, name: string): WritableRecord {
  const record = records.find((candidate) => candidate.name === name);
  if (!record) throw new TypeError(`no node ${name}`);
  return record;
}

/** The how many-th time a node runs now. */
export function visitOf(record: Pick<StepRecord, 'visits'>): number {
  return record.visits ?? 1;
}

/** Takes over what a step (a person, a container) says of the whole. @throws ApplicationFailure METADATA_TOO_LARGE */
export function takeOver(
  run: Run,
  { partial, metadata }: Partial<Pick<StepOutput, 'partial' | 'metadata'>>,
  record?: WritableRecord,
): void {
  if (partial) run.partial = true;
  if (partial && record) record.partial = true;
  if (!metadata) return;
  const merged = mergeMetadata(run.metadata, metadata);
  const problem = metadataProblem(merged);
  if (problem !== undefined) throw failure('METADATA_TOO_LARGE', problem);
  run.metadata = merged;
}

/** Counts `work` as going on: the run does not go on as new meanwhile. */
export async function working<T>(run: Run, work: () => Promise<T>): Promise<T> {
  run.busy++;
  try {
    return await work();
  } finally {
    run.busy--;
  }
}

/** An error of the table, as what may leave a workflow. */
export function failure(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}

/** Workflow time, the same in every replay. */
export function now(): string {
  return new Date().toISOString();
}

function hasEntries(map: JsonObject): boolean {
  return Object.keys(map).length > 0;
}
