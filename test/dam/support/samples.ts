/** Real-world sample files that are too large or too foreign for this repository. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.env['SATCHEL_SAMPLES'] ?? fileURLToPath(new URL('../../../../shared/', import.meta.url));

/** The sample's path, or `undefined` where the samples are not there: tests that need one are then skipped. */
export function sample(path: string): string | undefined {
  const file = join(folder, path);
  return existsSync(file) ? file : undefined;
}
