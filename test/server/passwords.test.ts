import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword, maxPasswordBytes, verifyPassword } from '../../server/passwords.js';
import { sessionKey } from '../../server/session-key.js';

describe('passwords', () => {
  it('are kept as argon2id hashes, salted', async () => {
    const [one, two] = await Promise.all([hashPassword('pass word'), hashPassword('pass word')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await verifyPassword(one, 'pass word')).toBe(true);
    expect(await verifyPassword(one, 'pass word ')).toBe(false);
  });
  it('never match without a hash, with a broken one, or when they are too long to be read', async () => {
    expect(await verifyPassword(undefined, '')).toBe(false);
    expect(await verifyPassword('no hash', 'no hash')).toBe(false);
    const long = 'x'.repeat(maxPasswordBytes + 1);
    expect(await verifyPassword(await hashPassword(long), long)).toBe(false);
  });
});

describe('the session key', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'satchel-key-'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  it('is made once, for its user alone, also when two ask at the same time', async () => {
    const keys = await Promise.all([sessionKey(folder), sessionKey(folder), sessionKey(folder)]);
    expect(keys[0]).toHaveLength(32);
    for (const key of keys) expect(key.equals(await readFile(path.join(folder, 'session.key')))).toBe(true);
    expect(await readdir(folder)).toEqual(['session.key']);
    expect((await stat(path.join(folder, 'session.key'))).mode & 0o777).toBe(0o600);
  });
  it('says what to do when the file holds something else', async () => {
    await writeFile(path.join(folder, 'session.key'), 'short');
    await expect(sessionKey(folder)).rejects.toThrow(/session\.key has 5 bytes instead of 32; remove it/);
  });
});
