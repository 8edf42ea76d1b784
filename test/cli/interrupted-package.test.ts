import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { openSatchel, type Satchel } from '../../compose.js';
import { adminUser } from '../../repository/api.js';
import { listPackages, writePackageRecord } from '../../repository/vault/package-record.js';

it('an installation that was cut short is logged at the next start, and shows in the list', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-interrupted-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const open = async (work: (satchel: Satchel) => Promise<void>) => {
    const satchel = await openSatchel({ dataFolder: path.join(folder, 'data'), mode: 'command', work: false, log });
    try {
      await work(satchel);
    } finally {
      await satchel.close();
    }
  };
  await open(async ({ repository }) =>
    repository.withSession(adminUser, async (session) => {
      // As the first of the two commits of an installation leaves it.
      await writePackageRecord(session, { group: 'tests', name: 'site', version: '1.0' }, { state: 'installing' });
      await session.save();
    }),
  );
  expect(lines).toEqual([]);
  await open(async ({ repository }) =>
    repository.withSession(adminUser, async (session) => {
      for await (const record of listPackages(session)) expect(record.state).toBe('interrupted');
    }),
  );
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      package: 'tests:site:1.0',
      msg: 'installing the package was interrupted: the content is as it was before',
    }),
  ]);
  // Said once.
  await open(async () => Promise.resolve());
  expect(lines).toHaveLength(1);
});
