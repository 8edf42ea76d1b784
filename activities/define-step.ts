/**
 * A step of a workflow is a plain data object: an id, schemas, and what it does. One file a step, named after its id.
 * Plugins write the same object; they import it from `satchel/sdk`.
 */
import type { z } from 'zod';
import type { BlobStore } from '../repository/store/contract.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import type { Repository, Session } from '../repository/api.js';
import type { DownloadJob } from '../dam/download-job.js';
import type { Renderer } from '../dam/renderer.js';
import type { Settings } from '../dam/settings/settings.js';
import type { JsonObject, JsonValue, StepInput, StepProgress } from '../workflows/contract/model.js';
import type { Mailer } from './mail/mailer.js';

export interface StepLogger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What the product gives every step; built once by compose.ts. */
export interface StepServices {
  readonly repository: Repository;
  readonly blobs: BlobStore;
  readonly overlay: OverlayResolver;
  /** What administrators may change by a value. */
  readonly settings: Settings;
  readonly renderer: Renderer;
  readonly mailer: Mailer;
  /** Base URL people reach this instance by, without a trailing slash. */
  readonly externalUrl: () => string | Promise<string>;
  /** Where steps put temporary files, emptied by whoever provides it. Default: the system's. */
  readonly temporaryFolder?: string;
}

/**
 * What `run` gets. Everything in it is this step's, this attempt's and, for chunked steps, this chunk's. Its functions may be
 * taken apart: `run: async ({ config, download, progress }) => …`.
 */
export interface StepContext<Config> {
  /** Parsed by the step's schema. */
  readonly config: Config;
  /** Node the workflow works on. */
  readonly payload: string;
  readonly tenant: Tenant;
  readonly initiator: string;
  readonly workflow: StepInput['workflow'];
  /** This step in its model: node name, title, layer. */
  readonly step: StepInput['step'];
  readonly chunk: { readonly index: number; readonly count: number } | undefined;
  /** The same for every attempt of this step (and chunk) of this run: what it makes visible, it makes visible once by it. */
  readonly idempotencyKey: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly services: StepServices;
  readonly log: StepLogger;
  /** Aborted when the workflow is cancelled or the worker shuts down; pass it on, or check it between pieces of work. */
  readonly signal: AbortSignal;
  /** A session as the user the workflow runs for; closed when the step ends. */
  readonly session: () => Promise<Session>;
  /** A session as the step's service user (default `workflow`); closed when the step ends. */
  readonly serviceSession: () => Promise<Session>;
  /** The download this workflow works on: its plan, entries and their bytes. @throws when the payload is none */
  readonly download: () => Promise<DownloadJob>;
  /** Shows people how far the step is, and tells Temporal it is alive. Cheap: call it per file or per megabyte. */
  readonly progress: (progress: StepProgress) => void;
  /** A value of the workflow's metadata map; one that was too large to travel along is fetched. */
  readonly metadataValue: (name: string) => Promise<JsonValue | undefined>;
  /** A folder for files of this attempt; removed when the step ends. */
  readonly tempFolder: () => Promise<string>;
  /** Marks that something failed alone: the workflow goes on and ends `partial`. */
  readonly partial: () => void;
  /** The workflow's metadata map as it was when this attempt began: what launches, people and earlier steps put there. */
  readonly metadata: Readonly<JsonObject>;
  /**
   * Puts a value in the metadata map once the step has ended well, for later steps and for conditions
   * (`metadata.approved`); `null` takes it out. The map holds 16 KiB as JSON: large values go by reference.
   * @throws SatchelError METADATA_TOO_LARGE, INVALID_STEP_RESULT for a name that is empty or longer than 100 characters
   */
  readonly setMetadata: (name: string, value: JsonValue) => void;
  /** Of a compensation: the step it undoes, and that step's last result. */
  readonly compensates: StepInput['compensates'];
}

export interface StepExample<Config> {
  readonly title: string;
  readonly config: Config;
}

export interface StepDefinition<Config = unknown, Result = unknown> {
  /** `<namespace>/<name>`, kebab-case; the file is named after it. */
  readonly id: string;
  /** Counts up when the configuration or the meaning changes incompatibly. Default 1. */
  readonly major?: number;
  readonly title: string;
  readonly description: string;
  readonly config: z.ZodType<Config>;
  readonly result: z.ZodType<Result>;
  /** Runs without a task queue hop: only for idempotent work shorter than two seconds. Never for mail. */
  readonly local?: boolean;
  /** `heavy`: takes much CPU, and runs on workers of a task queue of its own. Does not go with `local`. */
  readonly queue?: 'heavy';
  /** Service user of `serviceSession()`. Default `workflow`. */
  readonly serviceUser?: string;
  /** Defaults for models that do not say: seconds per attempt (600), attempts (5), chunks at once (2). */
  readonly timeoutSeconds?: number;
  readonly maximumAttempts?: number;
  readonly parallel?: number;
  /**
   * All it does goes through what it is given (sessions, blobs, mailer, temporary folder), so that `workflow simulate` may run it.
   * Default false: there it is taken as done.
   */
  readonly simulated?: boolean;
  readonly examples: readonly StepExample<Config>[];
  /** Splits the work: how many chunks `run` is called for, each with `context.chunk`. 0 skips the step. */
  readonly chunks?: (context: StepContext<Config>) => Promise<number>;
  /** Does the work. Runs at least once per chunk; fail with a SatchelError, whose code decides about a retry. */
  readonly run: (context: StepContext<Config>) => Promise<Result>;
}

/** A step of any configuration, as the registry keeps it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the schema guards the configuration at run time
export type AnyStep = StepDefinition<any, JsonValue | undefined>;

const stepId = /^[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9-]*$/;

/** Checks a definition's shape and gives it back with its types. @throws TypeError naming the step and field */
export function defineStep<Config, Result extends JsonValue | undefined>(
  definition: StepDefinition<Config, Result>,
): StepDefinition<Config, Result> {
  const fail = (field: string, problem: string) =>
    new TypeError(`Step "${definition.id}": ${field} ${problem}. See "Writing a step" in docs/steps.md.`);
  if (!stepId.test(definition.id)) throw fail('id', 'must look like "acme/watermark": namespace/name in kebab-case');
  const major = definition.major ?? 1;
  if (!Number.isInteger(major) || major < 1) throw fail('major', 'must be a whole number from 1');
  if (definition.title.trim() === '') throw fail('title', 'is empty');
  if (definition.local && definition.chunks) throw fail('chunks', 'does not go with local: local steps are short');
  if (definition.local && definition.queue) throw fail('queue', 'does not go with local: local steps have none');
  return Object.freeze({ ...definition });
}
