/** Workflow models as they are pinned for an instance, and the input and state of the one workflow that interprets them. */
import type { ErrorCode } from './errors.js';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** What every node of a pinned model has: everything the interpreter needs, resolved at launch and never looked up again. */
interface PinnedNodeBase {
  /** Path below the model, `approval/yes/package`: unique in it, stable over overlays. */
  readonly name: string;
  readonly title: string;
  /** Label of the layer that placed the node. */
  readonly layer: string;
  /**
   * What a failure does once all attempts are used: `fail` ends the workflow, `continue` goes on (it ends `partial`),
   * `compensate` runs the compensations of what completed, newest first, and then ends the workflow. Default `fail`.
   */
  readonly onError?: 'fail' | 'continue' | 'compensate';
}

/** Runs a step. */
export interface PinnedStep extends PinnedNodeBase {
  /** Models that were pinned before there were other kinds name none. */
  readonly kind?: 'process';
  /** Step id, `dam/render`. */
  readonly id: string;
  /** Major version; the activity type is `id@major`. */
  readonly major: number;
  readonly config: JsonObject;
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
  /** Task queue of its own, for work that takes much CPU: `satchel-heavy`. Default: the workflow's. */
  readonly queue?: 'heavy';
  /** Undoes what the step did, when a later one fails with `compensate`. */
  readonly compensation?: PinnedStep;
}

/** A part of a split: nodes one after the other. */
export interface PinnedBranch {
  /** Path below the model. */
  readonly name: string;
  readonly title: string;
  readonly layer: string;
  readonly steps: readonly PinnedNode[];
  /** Of an OR split: taken when this CEL expression is true; the branch without one is taken when no other is. */
  readonly condition?: string;
}

/** All branches at once; goes on when the last has ended. */
export interface PinnedAndSplit extends PinnedNodeBase {
  readonly kind: 'and';
  readonly branches: readonly PinnedBranch[];
}

/** The first branch whose condition is true, in order; none when no condition is and no branch is without one. */
export interface PinnedOrSplit extends PinnedNodeBase {
  readonly kind: 'or';
  readonly branches: readonly PinnedBranch[];
}

/** Goes back (or on) to a node of the same sequence. */
export interface PinnedGoto extends PinnedNodeBase {
  readonly kind: 'goto';
  /** `name` of the node to go to. */
  readonly target: string;
  /** Goes only when this CEL expression is true. Default: always, as often as `maximum` allows. */
  readonly condition?: string;
  /** How often it goes at most; then the workflow goes on after it. */
  readonly maximum: number;
}

/** A step for a person: waits in inboxes until somebody completes it. */
export interface PinnedParticipant extends PinnedNodeBase {
  readonly kind: 'participant';
  /** User or group. */
  readonly assignee: string;
  readonly description: string;
  /** Seconds until it is due, and until the assignee is reminded (again, every so many seconds). */
  readonly dueSeconds?: number;
  readonly reminderSeconds?: number;
  /** Seconds after which it fails with WORK_ITEM_TIMEOUT. Default: waits for ever. */
  readonly timeoutSeconds?: number;
  /** Whether the assignee is told by mail. */
  readonly notify: boolean;
}

/** Runs another model as a child workflow, on the same payload, and waits for its end. */
export interface PinnedContainer extends PinnedNodeBase {
  readonly kind: 'container';
  readonly model: PinnedModel;
}

/** Waits until something outside says that it is done (`Engine.completeExternal`), perhaps after a step that asks for it. */
export interface PinnedExternal extends PinnedNodeBase {
  readonly kind: 'external';
  readonly start?: PinnedStep;
  /** Seconds after which it fails with EXTERNAL_TIMEOUT. */
  readonly timeoutSeconds: number;
}

export type PinnedNode =
  PinnedStep | PinnedAndSplit | PinnedOrSplit | PinnedGoto | PinnedParticipant | PinnedContainer | PinnedExternal;

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
  readonly steps: readonly PinnedNode[];
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
  /** The metadata map: what the launch said, and steps may add to. At most 16 KiB as JSON; larger values go by reference. */
  readonly metadata?: JsonObject;
  /** Where an earlier run was: after it continued as new, or for a retry from a failed step. */
  readonly seed?: WorkflowSeed;
  /** Of a container's workflow: name of the container in its model, those around it before: `publish`, `publish/inner`. */
  readonly container?: string;
}

/** What a workflow answers that ended well. */
export interface WorkflowResult {
  readonly state: 'completed' | 'partial';
  /** Of a container's workflow: what it changed in the metadata map, `null` for what it removed. */
  readonly metadata?: JsonObject;
}

/** An earlier run: what is `completed` or `skipped` in its records is not run again. */
export interface WorkflowSeed {
  readonly steps: readonly StepRecord[];
  readonly metadata: JsonObject;
  readonly partial: boolean;
  /** Set when the run goes on paused. */
  readonly paused?: boolean;
  /** The run that the idempotency keys belong to, when it was another workflow (a retry). */
  readonly keysOf?: string;
  /**
   * Set by a run that goes on as new: names of the steps that completed, oldest first, for their compensations. What
   * failed and was gone on from is not run again then; a retry does run it again.
   */
  readonly continued?: { readonly completed: readonly string[] };
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

/** One node of the model: all of them, parents first, in order. */
export interface StepRecord {
  /** Path below the model. */
  readonly name: string;
  /** Step id; for other kinds the kind, `or`. */
  readonly id: string;
  readonly title: string;
  readonly layer: string;
  /** `skipped`: in a branch that was not taken. */
  readonly state: 'waiting' | 'running' | 'completed' | 'failed' | 'cancelled' | 'skipped' | 'compensated';
  /** How often it ran, when more than once (or when it waits for its second time); of a goto: how often it went. */
  readonly visits?: number;
  /** Of an OR split: name of the branch taken. */
  readonly branch?: string;
  /** Of a participant step: who completed it, and what they said. */
  readonly decision?: WorkItemDecision;
  /** Of a container: the child workflow. */
  readonly child?: string;
  /** ISO 8601, UTC. */
  readonly started?: string;
  readonly ended?: string;
  /** Chunks done and in all, for chunked steps. */
  readonly chunks?: { readonly done: number; readonly total: number };
  /** It completed, and part of it failed alone: files, chunks, a container's steps. */
  readonly partial?: true;
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
  readonly metadata?: JsonObject;
}

/** How a person ended a work item. */
export interface WorkItemDecision {
  /** User id. */
  readonly by: string;
  readonly comment?: string;
  /** Added to the metadata map, for conditions: `metadata.approved`. */
  readonly metadata?: JsonObject;
}

/** Input of the updates `completeWorkItem`, `delegateWorkItem` and `returnWorkItem`; `step` is the node's name. */
export interface WorkItemOrder extends WorkItemDecision {
  readonly step: string;
  /** Of `delegateWorkItem`: user or group. */
  readonly to?: string;
}

/** Input of the update `completeExternal`. */
export interface ExternalOrder {
  readonly step: string;
  readonly result?: JsonValue;
  /** It failed outside: the step fails with EXTERNAL_FAILED and this message. */
  readonly failure?: string;
}

/** Input of the engine's activities that open and close a work item. */
export interface WorkItemInput {
  readonly workflow: StepInput['workflow'];
  readonly step: Pick<PinnedParticipant, 'name' | 'title' | 'description' | 'notify'>;
  readonly assignee: string;
  /** ISO 8601, UTC. */
  readonly due?: string;
  /** Counts up with each time the step is reached, so that each has an item of its own. */
  readonly visit: number;
  /** Opening again, for somebody else: who gave it to them, and why. */
  readonly given?: { readonly how: 'delegated' | 'returned'; readonly by: string; readonly comment?: string };
  /** Telling the assignee: why, and the how many-th time, which makes each mail its own. */
  readonly notice?: {
    readonly why: 'opened' | 'delegated' | 'returned' | 'reminder' | 'overdue';
    readonly count: number;
  };
  /** Closing: how; opening: absent. */
  readonly ended?: { readonly state: 'completed' | 'returned' | 'cancelled' | 'timed-out'; readonly by?: string };
}

/** Input of the engine's activity that evaluates conditions: the answer is the index of the first that is true, or -1. */
export interface ConditionInput {
  readonly conditions: readonly string[];
  /** `name` of the split or goto, for messages. */
  readonly node?: string;
  readonly workflow: StepInput['workflow'];
  readonly scope: ConditionScope;
}

/** A result of more bytes as JSON is not offered to conditions, and not kept when a run continues as new. */
export const maxConditionResultBytes = 8 * 1024;

/** What a condition may speak of, beside `payload`, `tenant` and `initiator`. */
export interface ConditionScope {
  readonly metadata: JsonObject;
  /** Results by step name, of those that completed with at most 8 KiB; `results["approval/yes/package"].parts`. */
  readonly results: JsonObject;
  /** How often the step ran, and the goto went, by name; 0 for what did not run yet. */
  readonly visits: JsonObject;
}

/** What every activity gets: one step, perhaps one chunk of it. */
export interface StepInput {
  readonly step: Pick<PinnedStep, 'name' | 'id' | 'major' | 'title' | 'config' | 'layer'> & {
    /** 2 when a goto led here again; part of the idempotency key. Absent the first time. */
    readonly visit?: number;
  };
  readonly workflow: Omit<WorkflowInput, 'model' | 'seed'> & {
    readonly id: string;
    readonly model: string;
    readonly modelVersion: string;
    /** The run that the idempotency keys belong to, when not this one. */
    readonly keysOf?: string;
  };
  readonly chunk?: { readonly index: number; readonly count: number };
  /** Of a compensation: the step it undoes, and that step's last result. */
  readonly compensates?: { readonly name: string; readonly result?: JsonValue };
}

/**
 * What every activity answers: the step's result, and whether something in it failed alone (the workflow goes on and
 * ends `partial`).
 */
export interface StepOutput {
  readonly result: JsonValue;
  readonly partial: boolean;
  /** Changes of the metadata map: `null` removes. */
  readonly metadata?: JsonObject;
}

/** Input of the engine's own activity that records how a workflow ended. */
export interface FinishInput {
  readonly workflow: StepInput['workflow'];
  readonly transient: boolean;
  /** A completion model runs next and still needs the request node. */
  readonly followed: boolean;
  readonly outcome: Outcome;
  readonly steps: readonly StepRecord[];
  readonly metadata?: JsonObject;
}

/** Heartbeat details of a running activity: what a person sees while a step works. */
export interface StepProgress {
  readonly files?: { readonly done: number; readonly total: number };
  readonly bytes?: { readonly done: number; readonly total: number };
  readonly message?: string;
}

export const names = {
  taskQueue: 'satchel',
  /** Queue of steps that take much CPU. */
  heavyTaskQueue: 'satchel-heavy',
  stateQuery: 'state',
  /** Updates; all answer once they are in force, or with a code. */
  pauseUpdate: 'pause',
  resumeUpdate: 'resume',
  completeWorkItemUpdate: 'completeWorkItem',
  delegateWorkItemUpdate: 'delegateWorkItem',
  /** Gives the item back to the group (or user) it came from. */
  returnWorkItemUpdate: 'returnWorkItem',
  completeExternalUpdate: 'completeExternal',
  /** Local activity that evaluates conditions (`ConditionInput` → number). */
  conditionActivity: 'satchel/condition@1',
  /** Local activities that open, reassign and close a work item (`WorkItemInput`). */
  openWorkItemActivity: 'satchel/open-work-item@1',
  closeWorkItemActivity: 'satchel/close-work-item@1',
  /** Remote activity that tells the assignee by mail, when an item is opened and when it is time for a reminder. */
  notifyWorkItemActivity: 'satchel/notify-work-item@1',
  /** Local activity that answers the number of chunks of a chunked step. */
  chunksActivity: 'satchel/chunks@1',
  /** Local activity that records the end of a workflow. */
  finishActivity: 'satchel/finish@1',
  searchAttributes: { tenant: 'SatchelTenant', initiator: 'SatchelInitiator', payload: 'SatchelPayload' },
} as const;

export function activityType(step: Pick<PinnedStep, 'id' | 'major'>): string {
  return `${step.id}@${step.major}`;
}
