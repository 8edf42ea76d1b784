/** The engine as doors use it: requests become workflows, workflows can be followed and cancelled. */
import type { DownloadState } from '../dam/download-job.js';
import type { DownloadPlan, PackedArchives } from '../workflows/contract/plan.js';
import type {
  JsonObject,
  JsonValue,
  Outcome,
  StepProgress,
  StepRecord,
  WorkItemDecision,
} from '../workflows/contract/model.js';
import type { MailLayers } from '../activities/mail/mailer.js';

/** One line of a job list. */
export interface JobSummary {
  /** Id of the request; also names its nodes, and the workflow (`<id>`). */
  readonly id: string;
  /** Model id, `dam/download-asset`. */
  readonly model: string;
  readonly title: string;
  readonly state: DownloadState;
  readonly initiator: string;
  readonly tenant: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** Payload: download node, folder. */
  readonly payload: string;
  readonly error?: { readonly code: string; readonly message: string; readonly step?: string };
  /** It runs, and starts no further step until it is resumed. */
  readonly paused?: true;
}

export interface JobStep extends StepRecord {
  /** What the running attempts last reported, summed over chunks. */
  readonly progress?: StepProgress;
  /** Attempts that failed so far and will be tried again. */
  readonly retrying?: { readonly attempt: number; readonly message: string };
}

export interface JobMail {
  readonly to: string;
  readonly subject: string;
  readonly locale: string;
  readonly state: string;
  readonly messageId: string;
  readonly layers: MailLayers;
}

export interface JobComment {
  readonly by: string;
  readonly text: string;
  /** ISO 8601, UTC. */
  readonly created: string;
}

export interface JobView extends JobSummary {
  /** True while the request waits for the Temporal server. */
  readonly waiting: boolean;
  readonly steps: readonly JobStep[];
  readonly archives: PackedArchives | undefined;
  readonly skipped: DownloadPlan['skipped'];
  readonly mails: readonly JobMail[];
  /** What the model was when it was launched; absent in records of earlier versions. */
  readonly modelVersion?: string;
  /** ISO 8601, UTC. */
  readonly ended?: string;
  /** Who cancelled or terminated it. */
  readonly endedBy?: string;
  readonly terminated?: true;
  /** The failed run it goes on with, the run whose request it repeats, and the run that went on with it. */
  readonly retryOf?: string;
  readonly rerunOf?: string;
  readonly retriedAs?: string;
  /** The metadata map, as it is now; large values are references. */
  readonly metadata: JsonObject;
  /** Oldest first. */
  readonly comments: readonly JobComment[];
  /** What its containers run or ran, by workflow id. */
  readonly children: Readonly<Record<string, readonly StepRecord[]>>;
}

export interface LaunchOrder {
  readonly model: string;
  readonly payload: string;
  readonly initiator: string;
  /** Default: the tenant of the payload. */
  readonly tenant?: string;
  /** The metadata map; values above 2 KiB are kept in the repository and go by reference. */
  readonly metadata?: JsonObject;
  readonly comment?: string;
}

/** Listed states: those of jobs, and `paused`, which is a running one. */
export type ListedState = DownloadState | 'paused';

export interface JobQuery {
  readonly state?: ListedState;
  /** Model id. */
  readonly model?: string;
  /** Only those that the user started; others see no other ones anyway. */
  readonly mine?: boolean;
  /** Default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface JobPage {
  readonly jobs: readonly JobSummary[];
  /** Where the next page goes on, when there may be more. */
  readonly next?: string;
}

/** A step that waits for a person. */
export interface WorkItem {
  readonly id: string;
  readonly state: 'open' | 'completed' | 'returned' | 'cancelled' | 'timed-out';
  readonly title: string;
  readonly description: string;
  /** User or group. */
  readonly assignee: string;
  /** Whom the model named: where a delegated item returns to. */
  readonly assignedFirst: string;
  /** ISO 8601, UTC. */
  readonly due?: string;
  readonly created: string;
  readonly ended?: string;
  readonly endedBy?: string;
  readonly payload: string;
  readonly tenant: string;
  readonly initiator: string;
  /** The job it belongs to. */
  readonly job: string;
  /** The workflow that waits for it: the job, or that of a container of it. */
  readonly workflow: string;
  readonly model: string;
  /** Name of the node in the model. */
  readonly step: string;
}

export interface WorkItemQuery {
  /** Default `open`; `ended` are all others. */
  readonly state?: 'open' | 'ended';
  /** Everybody's: only for administrators. */
  readonly all?: boolean;
  /** Default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface WorkItemPage {
  /** Newest first. */
  readonly items: readonly WorkItem[];
  readonly next?: string;
}

/** What becomes of an external wait. */
export interface ExternalAnswer {
  /** Name of the node in the model. */
  readonly step: string;
  readonly result?: JsonValue;
  /** Why it failed outside. */
  readonly failure?: string;
}

export interface SimulationOrder {
  readonly model: string;
  /** For `dam/download-asset` also the path of an asset or folder, which is downloaded then. */
  readonly payload: string;
  readonly initiator: string;
  readonly tenant?: string;
  readonly metadata?: JsonObject;
  /** How people and what is outside answer, by the node's name: metadata of a participant step, result of a wait. Default: done. */
  readonly answers?: Readonly<Record<string, JsonObject>>;
}

export interface SimulatedChange {
  readonly path: string;
  readonly change: 'added' | 'changed' | 'removed' | 'moved';
}

export interface SimulatedMail {
  readonly to: string;
  readonly subject: string;
  readonly locale: string;
}

export interface SimulatedStep {
  /** Path below the model. */
  readonly name: string;
  /** Step id, or the kind. */
  readonly id: string;
  readonly title: string;
  /** `assumed`: a person, something outside or a step that may not run in a simulation, taken as done. */
  readonly state: 'completed' | 'failed' | 'skipped' | 'assumed' | 'not reached';
  /** What was done or assumed, for people. */
  readonly note?: string;
  readonly result?: JsonValue;
  readonly error?: { readonly code: string; readonly message: string };
  /** Nodes that would change; at most 200 are listed. */
  readonly changes: readonly SimulatedChange[];
  readonly changesInAll: number;
  readonly mails: readonly SimulatedMail[];
  readonly archives: readonly { readonly file: string; readonly size: number; readonly files: number }[];
}

export interface Simulation {
  readonly model: string;
  readonly version: string;
  readonly tenant: string;
  readonly outcome: Outcome;
  /** In the order in which they ran; then those that were not reached. */
  readonly steps: readonly SimulatedStep[];
  readonly metadata: JsonObject;
  /** What a simulation leaves out that would happen, for people. */
  readonly notes: readonly string[];
}

/** A running workflow against its model as it is now. */
export interface RunningCheck {
  readonly id: string;
  readonly tenant: string;
  readonly started: string;
  /** `same`: pinned and current model are equal; `behind`: they differ only where it has been; `ahead`: also where it goes. */
  readonly verdict: 'same' | 'behind' | 'ahead' | 'model gone';
  /** What differs, node by node. */
  readonly differences: readonly {
    readonly node: string;
    readonly title: string;
    readonly change: 'added' | 'removed' | 'changed';
    readonly place: 'behind' | 'ahead';
  }[];
  /** Why the model cannot be resolved. */
  readonly problem?: string;
}

export interface TemporalStatus {
  readonly state: 'stopped' | 'connecting' | 'connected';
  readonly address: string | undefined;
  /** Web UI, where the server is embedded. */
  readonly uiUrl: string | undefined;
  /** Whether this process started (or adopted) the server. */
  readonly embedded: boolean;
  /** Why it is not connected. */
  readonly problem?: string;
}

export interface Engine {
  /** The planner that the workflow runs, without running anything. @throws SatchelError as `requestDownload` */
  planDownload(user: string, input: unknown): Promise<DownloadPlan>;
  /**
   * Checks everything that can be refused before work starts (request, rights, recipients, limits), saves the request
   * and hands it to Temporal; while Temporal is away the request waits.
   * @throws SatchelError INVALID_REQUEST, PATH_NOT_FOUND, NOTHING_SELECTED, NOT_ALLOWED, RECIPIENT_NOT_ALLOWED,
   * LIMIT_EXCEEDED, UNKNOWN_TENANT, INVALID_MODEL
   */
  requestDownload(user: string, input: unknown): Promise<JobSummary>;
  /** Launches any model. @throws SatchelError UNKNOWN_MODEL, INVALID_MODEL, NOT_ALLOWED, PATH_NOT_FOUND */
  launch(order: LaunchOrder): Promise<JobSummary>;
  /** Newest first. Only jobs the user may read: their own, of administrators all. */
  jobs(user: string, options?: { readonly limit?: number }): Promise<JobSummary[]>;
  /** The same, page by page. */
  listJobs(user: string, query?: JobQuery): Promise<JobPage>;
  /** @throws SatchelError UNKNOWN_JOB */
  job(user: string, id: string): Promise<JobView>;
  /** The job now, then whenever it changes, ending with its final state. @throws SatchelError UNKNOWN_JOB */
  follow(user: string, id: string, signal: AbortSignal): AsyncIterable<JobView>;
  /**
   * Lets it end where it can: steps are cancelled, and the workflow records its end.
   * @throws SatchelError UNKNOWN_JOB; TEMPORAL_UNAVAILABLE for one that runs
   */
  cancel(user: string, id: string): Promise<void>;
  /** Ends it at once, whatever it does. @throws SatchelError UNKNOWN_JOB, JOB_ENDED, TEMPORAL_UNAVAILABLE */
  terminate(user: string, id: string): Promise<void>;
  /**
   * Starts no further step until it is resumed; what runs goes on.
   * @throws SatchelError UNKNOWN_JOB, JOB_ENDED, TEMPORAL_UNAVAILABLE (also for one that still waits for it)
   */
  pause(user: string, id: string): Promise<void>;
  /** @throws SatchelError as `pause` */
  resume(user: string, id: string): Promise<void>;
  /** @throws SatchelError UNKNOWN_JOB, INVALID_REQUEST */
  comment(user: string, id: string, text: string): Promise<void>;
  /**
   * A new job that goes on where a failed one failed: what completed is not run again, and what was made visible is not made
   * visible twice. It runs the model as it was pinned for the failed one.
   * @throws SatchelError UNKNOWN_JOB (transient ones among them, which leave no record), NOT_RETRYABLE
   */
  retry(user: string, id: string): Promise<JobSummary>;
  /**
   * A new job of the same request, for the same initiator, with the model, plan and rights of today.
   * @throws SatchelError UNKNOWN_JOB, and as `requestDownload` and `launch`
   */
  rerun(user: string, id: string): Promise<JobSummary>;
  /**
   * Says that what a workflow waits for outside is done, or failed. For its initiator and administrators.
   * @throws SatchelError UNKNOWN_JOB, NOT_WAITING, INVALID_REQUEST, TEMPORAL_UNAVAILABLE
   */
  completeExternal(user: string, id: string, answer: ExternalAnswer): Promise<void>;
  /** Work items of the user and the user's groups, newest first. @throws SatchelError NOT_ALLOWED (`all`) */
  inbox(user: string, query?: WorkItemQuery): Promise<WorkItemPage>;
  /** For its assignee, members of that group, the initiator and administrators. @throws SatchelError UNKNOWN_WORK_ITEM */
  workItem(user: string, id: string): Promise<WorkItem>;
  /**
   * For its assignee, members of that group and administrators. Of two at once one succeeds.
   * @throws SatchelError UNKNOWN_WORK_ITEM, NOT_ALLOWED, NOT_WAITING, INVALID_REQUEST, TEMPORAL_UNAVAILABLE
   */
  completeWorkItem(user: string, id: string, said?: Omit<WorkItemDecision, 'by'>): Promise<void>;
  /** @throws SatchelError as `completeWorkItem`; UNKNOWN_USER for an assignee that is neither user nor group */
  delegateWorkItem(user: string, id: string, to: string, comment?: string): Promise<void>;
  /** Gives a delegated item back. @throws SatchelError as `completeWorkItem` */
  returnWorkItem(user: string, id: string, comment?: string): Promise<void>;
  /**
   * Runs a model over a copy that is thrown away: nothing is written, no mail is sent.
   * @throws SatchelError as `launch`; a step that fails is in the answer
   */
  simulate(order: SimulationOrder, signal?: AbortSignal): Promise<Simulation>;
  /** Every running workflow of a model against what the model is now. For administrators. @throws SatchelError NOT_ALLOWED */
  checkRunning(user: string, query: { readonly model: string; readonly tenant?: string }): Promise<RunningCheck[]>;
  temporal(): TemporalStatus;
  /** Looks for requests to hand to Temporal, which others than the engine saved. */
  wake(): void;
  /** Connects (starting the embedded server where configured), launches what waits, and works. Resolves when working, or at once with `wait: false`. */
  start(options?: { readonly wait?: boolean }): Promise<void>;
  /** Lets running steps finish or checkpoint, then stops the worker and, where embedded, the server. */
  close(): Promise<void>;
}
