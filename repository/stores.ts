/**
 * What a store is written with: `import { StoreConflict } from 'satchel/stores'` (docs/stores.md). The two contracts, and the
 * errors that an implementation throws.
 */
export { RepositoryError } from './errors.js';
export type { RepositoryErrorCode } from './errors.js';
export { StoreConflict } from './store/contract.js';
export type {
  BlobInfo,
  BlobStore,
  ByteRange,
  ChunkMemory,
  Commit,
  JournalEntry,
  KeyRange,
  ListedBlob,
  NodeStore,
  Precondition,
  RangeOptions,
  StoreContent,
  StoredEntry,
  StoredRecord,
  StoreSnapshot,
  Write,
} from './store/contract.js';
export { assertKeysFit, maxKeyBytes } from './store/key-limit.js';
