/** A node can only be saved with binaries whose bytes are there. */
import { propertiesEqual } from './convert-value.js';
import { RepositoryError } from './errors.js';
import type { SaveAttempt, SaveContribution } from './session-participant.js';

/** @throws BLOB_MISSING */
export async function requireBlobs({ plan, blobs }: SaveAttempt): Promise<SaveContribution> {
  for (const { path, record, origin } of plan.nodes.values()) {
    for (const [name, property] of record.properties) {
      if (property.type !== 'Binary' || propertiesEqual(property, origin?.record.properties.get(name))) continue;
      for (const value of property.values) {
        if (typeof value !== 'object' || value.inline !== undefined || (await blobs.has(value.sha256))) continue;
        throw new RepositoryError(
          'BLOB_MISSING',
          `The bytes of ${path}/${name} (SHA-256 ${value.sha256}) are not in the blob store; write them with createBinary.`,
          { paths: [path] },
        );
      }
    }
  }
  return {};
}
