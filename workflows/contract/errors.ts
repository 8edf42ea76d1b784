/**
 * Every error a step, the engine or a door can answer with. Codes are stable: the code, not the message, decides whether
 * Temporal retries a step, which HTTP status a request gets and how the CLI exits. docs/errors.md lists the same table; a
 * test keeps them equal.
 */
export const errorCodes = {
  // The request is wrong: nothing was started.
  INVALID_REQUEST: {
    status: 400,
    exit: 2,
    retryable: false,
    meaning: 'The request does not parse; every problem is listed.',
  },
  NOTHING_SELECTED: {
    status: 400,
    exit: 2,
    retryable: false,
    meaning: 'The selection holds no asset, or no file that was asked for.',
  },
  PATH_NOT_FOUND: { status: 404, exit: 2, retryable: false, meaning: 'There is no such item, or it may not be read.' },
  UNKNOWN_USER: { status: 404, exit: 2, retryable: false, meaning: 'There is no such user.' },
  NOT_ALLOWED: {
    status: 403,
    exit: 2,
    retryable: false,
    meaning: 'The user may not do this, for instance launch the workflow.',
  },
  RECIPIENT_NOT_ALLOWED: {
    status: 403,
    exit: 2,
    retryable: false,
    meaning: 'A recipient is not a member of dam-users or of the tenant’s group.',
  },
  LIMIT_EXCEEDED: { status: 413, exit: 2, retryable: false, meaning: 'The job is larger than a limit of its tenants.' },
  UNKNOWN_TENANT: {
    status: 404,
    exit: 2,
    retryable: false,
    meaning: 'There is no configuration root of that name below /conf.',
  },
  UNKNOWN_JOB: { status: 404, exit: 2, retryable: false, meaning: 'There is no such job, or it may not be read.' },
  ARCHIVE_EXPIRED: {
    status: 410,
    exit: 2,
    retryable: false,
    meaning: 'The archive was kept for as long as its tenant keeps them; ask for the download again.',
  },
  UNKNOWN_MODEL: { status: 404, exit: 2, retryable: false, meaning: 'There is no workflow model of that id.' },
  UNKNOWN_WORK_ITEM: {
    status: 404,
    exit: 2,
    retryable: false,
    meaning: 'The workflow has no step of that name that waits for a person, or for something outside.',
  },
  NOT_WAITING: {
    status: 409,
    exit: 2,
    retryable: false,
    meaning: 'The step does not wait for that: it was not reached yet, was answered already, or the workflow is over.',
  },
  JOB_ENDED: {
    status: 409,
    exit: 2,
    retryable: false,
    meaning: 'The job has ended: there is nothing left to do to it.',
  },
  NOT_RETRYABLE: {
    status: 409,
    exit: 2,
    retryable: false,
    meaning: 'The job cannot go on from where it ended: it runs, did not fail, kept no record, or was retried already.',
  },
  UNKNOWN_TEMPLATE: { status: 404, exit: 2, retryable: false, meaning: 'There is no e-mail template of that name.' },
  OUT_FOLDER: { status: 400, exit: 2, retryable: false, meaning: 'The output folder cannot be written to.' },
  NOT_LOGGED_IN: {
    status: 401,
    exit: 2,
    retryable: false,
    meaning: 'Log in first; also the answer to a wrong name or password.',
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    exit: 1,
    retryable: true,
    meaning: 'Too many requests of that kind in a short time; wait and try again.',
  },
  // Configuration and content are wrong.
  INVALID_CONFIGURATION: {
    status: 500,
    exit: 2,
    retryable: false,
    meaning: 'Satchel’s configuration does not parse or contradicts itself.',
  },
  INVALID_MODEL: { status: 500, exit: 1, retryable: false, meaning: 'A workflow model does not validate.' },
  INVALID_CONDITION: {
    status: 500,
    exit: 1,
    retryable: false,
    meaning: 'A condition of a workflow model does not parse or speaks of what there is not.',
  },
  INVALID_TEMPLATE: { status: 500, exit: 1, retryable: false, meaning: 'A template does not compile or render.' },
  TEMPLATE_CONFLICT: {
    status: 409,
    exit: 1,
    retryable: false,
    meaning: 'Somebody else changed or published the template first; look at it and try again.',
  },
  PREVIEW_UNAVAILABLE: {
    status: 501,
    exit: 2,
    retryable: false,
    meaning: 'A preview as a picture needs Chromium on the PATH.',
  },
  INVALID_STEP_CONFIG: {
    status: 500,
    exit: 1,
    retryable: false,
    meaning: 'A step’s configuration does not fit its schema.',
  },
  INVALID_STEP_RESULT: {
    status: 500,
    exit: 1,
    retryable: false,
    meaning: 'A step answered what its result schema forbids, or too much.',
  },
  UNKNOWN_STEP: { status: 500, exit: 1, retryable: false, meaning: 'No step of that id and major version is loaded.' },
  DUPLICATE_STEP: { status: 500, exit: 2, retryable: false, meaning: 'Two loaded files define the same step.' },
  PLUGIN_NOT_LOADED: {
    status: 500,
    exit: 2,
    retryable: false,
    meaning: 'A plugin named in the configuration does not load.',
  },
  // A step failed while it worked.
  IMAGE_UNREADABLE: {
    status: 422,
    exit: 1,
    retryable: false,
    meaning: 'The image is damaged, unsupported or not an image.',
  },
  IMAGE_TOO_LARGE: {
    status: 422,
    exit: 1,
    retryable: false,
    meaning: 'The image exceeds the pixel, memory or time bound of a rendition.',
  },
  OUT_FOLDER_FULL: {
    status: 507,
    exit: 1,
    retryable: false,
    meaning: 'The output folder is full or became read-only while writing.',
  },
  MAIL_REJECTED: {
    status: 502,
    exit: 1,
    retryable: false,
    meaning: 'The mail server refused the message for good (5xx).',
  },
  MAIL_UNAVAILABLE: {
    status: 503,
    exit: 1,
    retryable: true,
    meaning: 'The mail server cannot be reached or said try later (4xx).',
  },
  MAIL_NOT_CONFIGURED: {
    status: 503,
    exit: 2,
    retryable: false,
    meaning: 'No mail server is configured, and this mode has no embedded mailbox.',
  },
  STEP_FAILED: { status: 500, exit: 1, retryable: true, meaning: 'A step failed in a way it did not name.' },
  CONDITION_FAILED: {
    status: 500,
    exit: 1,
    retryable: false,
    meaning: 'A condition met values it cannot answer for, or too many of them.',
  },
  STEP_TIMED_OUT: {
    status: 504,
    exit: 1,
    retryable: false,
    meaning: 'A step did not finish, or did not give a sign of life, in time.',
  },
  METADATA_TOO_LARGE: {
    status: 413,
    exit: 1,
    retryable: false,
    meaning:
      'The metadata map of a workflow would hold more than 16 KiB; keep large values in the repository and refer to them.',
  },
  WORK_ITEM_TIMEOUT: {
    status: 504,
    exit: 1,
    retryable: false,
    meaning: 'Nobody completed a work item in the time it had.',
  },
  EXTERNAL_TIMEOUT: {
    status: 504,
    exit: 1,
    retryable: false,
    meaning: 'What works outside did not answer in the time it had.',
  },
  EXTERNAL_FAILED: { status: 502, exit: 1, retryable: false, meaning: 'What works outside answered that it failed.' },
  CANCELLED: { status: 409, exit: 1, retryable: false, meaning: 'The workflow was cancelled.' },
  PARTIAL: { status: 200, exit: 3, retryable: false, meaning: 'Done, but some files failed or were left out.' },
  INTERNAL: { status: 500, exit: 1, retryable: false, meaning: 'A defect in Satchel; the log has the details.' },
  // What Satchel stands on is not there.
  TEMPORAL_UNAVAILABLE: {
    status: 503,
    exit: 1,
    retryable: true,
    meaning: 'The Temporal server cannot be reached; the request waits.',
  },
  TEMPORAL_NOT_FOUND: { status: 500, exit: 1, retryable: false, meaning: 'No Temporal server program could be had.' },
  TEMPORAL_MISCONFIGURED: {
    status: 500,
    exit: 1,
    retryable: false,
    meaning: 'The Temporal namespace lacks search attributes.',
  },
  NOT_DECRYPTED: {
    status: 500,
    exit: 2,
    retryable: false,
    meaning: 'What Temporal keeps was encrypted with a key that is not configured, or was changed.',
  },
  OWNER_GONE: {
    status: 503,
    exit: 1,
    retryable: true,
    meaning: 'The process that ran a command for this one ended; run it again.',
  },
  DATA_FOLDER: { status: 500, exit: 2, retryable: false, meaning: 'The data folder cannot be used.' },
} as const satisfies Record<string, { status: number; exit: 1 | 2 | 3; retryable: boolean; meaning: string }>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** What the message is about, machine-readable: fields, paths, numbers. JSON only. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error with a code of the table. The message names the path or field and says what to do. */
export class SatchelError extends Error {
  override readonly name = 'SatchelError';
  readonly details: Readonly<Record<string, unknown>>;
  constructor(
    readonly code: ErrorCode,
    message: string,
    { details = {}, cause }: ErrorDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.details = details;
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}
