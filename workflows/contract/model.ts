/** Workflow models as they are pinned for an instance, and the input and state of the one workflow that interprets them. */
import type { ErrorCode } from './errors.js';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** A step of a pinned model: everything the interpreter needs, resolved at launch and never looked up again. */
export interface PinnedStep {
  /** Node name in the model: unique in it, stable over overlays. */
  readonly name: string;
  /** Step id, `dam/render`. */
  readonly id: string;
  /** Major version; the activity type is `id@major`. */
  readonly major: number;
  readonly title: string;
  readonly config: JsonObject;
  /** Label of the layer that placed the step. */
  readonly layer: string;
  /** Runs as a local activity: idempotent and shorter than two seconds. */
  readonly local: boolean;
  /** Asks for a number of chunks first, then runs once per chunk. */
  readonly chunked: boolean;
  /** How many chunks run at once. */
  readonly parallel: number;
  /** Seconds one attempt may take. */
  readonly timeoutSeconds: number;
  /** Attempts in all, at least 1. */
  readonly maximumAttempts: number;
}

export interface PinnedModel {
  /** `dam/download-asset`; also the Temporal workflow type. */
  readonly id: string;
  readonly title: string;
  /** SHA-256 of the resolved model: two instances with the same version run the same steps with the same configuration. */
  readonly version: string;
  /** Labels of all layers it came from, base first. */
  readonly layers: readonly string[];
  /** Keeps no instance record. */
  readonly transient: boolean;
  readonly steps: readonly PinnedStep[];
  /** For transient models with "Notify on Complete": the model launched at the end, in success and failure. */
  readonly completion?: PinnedModel;
}

/** At most 64 KiB as JSON; larger models are refused at launch. */
export const maxPinnedModelBytes = 64 * 1024;

export interface WorkflowInput {
  readonly model: PinnedModel;
  /** The request node: `/var/workflow/requests/<id>`. */
  readonly request: string;
  /** What the workflow works on: a download node, a folder. */
  readonly payload: string;
  /** Tenant name, `global` without one. */
  readonly tenant: string;
  /** Opaque id of the user it runs for. */
  readonly initiator: string;
  /** For a completion model: how the workflow it reports on ended. */
  readonly completed?: CompletedWorkflow;
}

export interface CompletedWorkflow {
  readonly workflowId: string;
  readonly model: string;
  readonly title: string;
  readonly payload: string;
  readonly outcome: Outcome;
  readonly steps: readonly StepRecord[];
}

export type Outcome =
  | { readonly state: 'completed' | 'partial' }
  | { readonly state: 'failed'; readonly code: ErrorCode; readonly message: string; readonly step: string }
  | { readonly state: 'cancelled' };

export interface StepRecord {
  readonly name: string;
  readonly id: string;
  readonly title: string;
  readonly layer: string;
  readonly state: 'waiting' | 'running' | 'completed' | 'failed' | 'cancelled';
  /** ISO 8601, UTC. */
  readonly started?: string;
  readonly ended?: string;
  /** Chunks done and in all, for chunked steps. */
  readonly chunks?: { readonly done: number; readonly total: number };
  /** The step's result, or each chunk's; counts and references only. */
  readonly result?: JsonValue;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** Answer of the `state` query. */
export interface WorkflowState {
  readonly model: string;
  readonly version: string;
  readonly outcome: Outcome | { readonly state: 'running' | 'paused' };
  readonly steps: readonly StepRecord[];
}

/** What every activity gets: one step, perhaps one chunk of it. */
export interface StepInput {
  readonly step: Pick<PinnedStep, 'name' | 'id' | 'major' | 'title' | 'config' | 'layer'>;
  readonly workflow: Omit<WorkflowInput, 'model'> & {
    readonly id: string;
    readonly model: string;
    readonly modelVersion: string;
  };
  readonly chunk?: { readonly index: number; readonly count: number };
}

/**
 * What every activity answers: the step's result, and whether something in it failed alone (the workflow goes on and
 * ends `partial`).
 */
export interface StepOutput {
  readonly result: JsonValue;
  readonly partial: boolean;
}

/** Input of the engine's own activity that records how a workflow ended. */
export interface FinishInput {
  readonly workflow: StepInput['workflow'];
  readonly transient: boolean;
  /** A completion model runs next and still needs the request node. */
  readonly followed: boolean;
  readonly outcome: Outcome;
  readonly steps: readonly StepRecord[];
}

/** Heartbeat details of a running activity: what a person sees while a step works. */
export interface StepProgress {
  readonly files?: { readonly done: number; readonly total: number };
  readonly bytes?: { readonly done: number; readonly total: number };
  readonly message?: string;
}

export const names = {
  taskQueue: 'satchel',
  stateQuery: 'state',
  /** Local activity that answers the number of chunks of a chunked step. */
  chunksActivity: 'satchel/chunks@1',
  /** Local activity that records the end of a workflow. */
  finishActivity: 'satchel/finish@1',
  searchAttributes: { tenant: 'SatchelTenant', initiator: 'SatchelInitiator', payload: 'SatchelPayload' },
} as const;

export function activityType(step: Pick<PinnedStep, 'id' | 'major'>): string {
  return `${step.id}@${step.major}`;
}
