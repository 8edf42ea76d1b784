/** The key that seals login cookies: a file in the data folder, so that sessions outlive a restart. */
import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const keyBytes = 32;

/** Makes the key at the first call. @throws Error when the file holds something else */
export async function sessionKey(dataFolder: string): Promise<Buffer> {
  const file = path.join(dataFolder, 'session.key');
  const fresh = path.join(dataFolder, `.session.key.${randomBytes(6).toString('hex')}`);
  try {
    // Linked into place when it is whole: a killed start leaves no half key behind.
    await writeFile(fresh, randomBytes(keyBytes), { mode: 0o600, flag: 'wx' });
    await link(fresh, file).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(fresh, { force: true });
  }
  const key = await readFile(file);
  if (key.length !== keyBytes) {
    throw new Error(`${file} has ${key.length} bytes instead of ${keyBytes}; remove it, and everybody logs in again.`);
  }
  return key;
}
