/** The engine as doors use it: requests become workflows, workflows can be followed and cancelled. */
import type { DownloadState } from '../dam/download-job.js';
import type { DownloadPlan, PackedArchives } from '../workflows/contract/plan.js';
import type { StepProgress, StepRecord } from '../workflows/contract/model.js';
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

export interface JobView extends JobSummary {
  /** True while the request waits for the Temporal server. */
  readonly waiting: boolean;
  readonly steps: readonly JobStep[];
  readonly archives: PackedArchives | undefined;
  readonly skipped: DownloadPlan['skipped'];
  readonly mails: readonly JobMail[];
}

export interface LaunchOrder {
  readonly model: string;
  readonly payload: string;
  readonly initiator: string;
  /** Default: the tenant of the payload. */
  readonly tenant?: string;
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
  /** Newest first. Only jobs the user may read. */
  jobs(user: string, options?: { readonly limit?: number }): Promise<JobSummary[]>;
  /** @throws SatchelError UNKNOWN_JOB */
  job(user: string, id: string): Promise<JobView>;
  /** The job now, then whenever it changes, ending with its final state. @throws SatchelError UNKNOWN_JOB */
  follow(user: string, id: string, signal: AbortSignal): AsyncIterable<JobView>;
  /** @throws SatchelError UNKNOWN_JOB, NOT_ALLOWED */
  cancel(user: string, id: string): Promise<void>;
  temporal(): TemporalStatus;
  /** Connects (starting the embedded server where configured), launches what waits, and works. Resolves when working, or at once with `wait: false`. */
  start(options?: { readonly wait?: boolean }): Promise<void>;
  /** Lets running steps finish or checkpoint, then stops the worker and, where embedded, the server. */
  close(): Promise<void>;
}
