/** Every error of this room: its code is stable, and says which HTTP status it is and whether a retry can help. */
export const repositoryErrorCodes = {
  PATH_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no such item, or it may not be read.' },
  ITEM_EXISTS: { status: 409, retryable: false, meaning: 'There is an item of that name already.' },
  INVALID_PATH: { status: 400, retryable: false, meaning: 'The path or name breaks the grammar.' },
  INVALID_VALUE: { status: 400, retryable: false, meaning: 'The value does not convert to the property type.' },
  CONSTRAINT_VIOLATION: { status: 409, retryable: false, meaning: 'A node type or reference forbids this change.' },
  ACCESS_DENIED: { status: 403, retryable: false, meaning: 'The user may read this item but not change it so.' },
  CONFLICT: {
    status: 409,
    retryable: true,
    meaning: 'Another save changed the same items first; refresh and try again.',
  },
  UNKNOWN_USER: { status: 404, retryable: false, meaning: 'There is no such user or service user.' },
  BLOB_MISSING: { status: 500, retryable: false, meaning: 'The bytes of a binary are not in the blob store.' },
  STORE_LOCKED: { status: 503, retryable: true, meaning: 'Another process has this data folder open.' },
  STORE_CORRUPT: { status: 500, retryable: false, meaning: 'The database does not open or a record does not parse.' },
  STORE_FULL: { status: 507, retryable: false, meaning: 'The disk is full; nothing was saved.' },
  KEY_TOO_LONG: {
    status: 400,
    retryable: false,
    meaning: 'A path is too long for the store together with a value that an index holds of it.',
  },
  STORE_NOT_EMPTY: { status: 409, retryable: false, meaning: 'Only an empty store can be restored into.' },
  STORE_UNAVAILABLE: { status: 503, retryable: true, meaning: 'The database or blob server does not answer.' },
  JOURNAL_TRIMMED: { status: 410, retryable: false, meaning: 'The journal no longer holds commits that far back.' },
  SNAPSHOT_EXPIRED: { status: 409, retryable: true, meaning: 'The session is too old for the store; refresh it.' },
  INVALID_NODE_TYPE: {
    status: 400,
    retryable: false,
    meaning: 'A node type definition does not parse or contradicts.',
  },
  INVALID_QUERY: { status: 400, retryable: false, meaning: 'The query does not parse or asks what cannot be.' },
  QUERY_TOO_EXPENSIVE: {
    status: 422,
    retryable: false,
    meaning: 'The query has no index and visits more nodes than allowed; narrow it or define an index.',
  },
  NODE_CHECKED_IN: { status: 409, retryable: false, meaning: 'The node is checked in; check it out first.' },
  SESSION_CLOSED: { status: 500, retryable: false, meaning: 'The session was closed already.' },
  INVALID_PACKAGE: { status: 400, retryable: false, meaning: 'The content package is damaged or not allowed.' },
  PACKAGE_DEPENDENCY: {
    status: 409,
    retryable: false,
    meaning: 'A package needs another one that is not installed, or is needed by one that is.',
  },
  PACKAGE_STATE: { status: 409, retryable: false, meaning: 'The package is in a state that does not allow this.' },
  INVALID_CONTENT_FILE: { status: 400, retryable: false, meaning: 'A content file does not parse.' },
} as const;

export type RepositoryErrorCode = keyof typeof repositoryErrorCodes;

export interface RepositoryErrorDetails {
  /** The paths it is about, the first one named in the message. */
  readonly paths?: readonly string[];
  /** File and 1-based line, for content that came from a file. */
  readonly file?: string;
  readonly line?: number;
  /** Name of the parameter of a query that is wrong. */
  readonly parameter?: string;
  readonly cause?: unknown;
}

export class RepositoryError extends Error {
  override readonly name = 'RepositoryError';
  readonly paths: readonly string[];
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly parameter: string | undefined;

  constructor(
    readonly code: RepositoryErrorCode,
    message: string,
    details: RepositoryErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.paths = details.paths ?? [];
    this.file = details.file;
    this.line = details.line;
    this.parameter = details.parameter;
  }
}
