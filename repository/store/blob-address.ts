/** How blobs are named in every store: by their hash, which may come from content and so from anybody. */
import { RepositoryError } from '../errors.js';

/** Whether the text can name a blob; anything else must not become part of a path or of the key of an object. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

export function blobMissing(sha256: string): RepositoryError {
  return new RepositoryError(
    'BLOB_MISSING',
    `The blob ${JSON.stringify(sha256)} is not in the blob store; restore it.`,
  );
}

/** @param end the byte after the last one that was asked for */
export function blobTooShort(sha256: string, position: number, end: number): RepositoryError {
  return new RepositoryError('BLOB_MISSING', `The blob ${sha256} ends at ${position} of ${end} bytes; restore it.`);
}
