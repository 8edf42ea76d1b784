import { writeFile } from 'node:fs/promises';
import { SatchelError } from '../workflows/contract/errors.js';

/** Writes a file that a person named. @throws SatchelError OUT_FOLDER naming it and why */
export async function writeOutputFile(file: string, content: string): Promise<void> {
  await writeFile(file, content).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError('OUT_FOLDER', `"${file}" cannot be written: ${reason}.`, { cause });
  });
}
