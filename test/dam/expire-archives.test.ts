import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliverStep } from '../../activities/dam/deliver.js';
import { packageStep } from '../../activities/dam/package.js';
import { planDownloadStep } from '../../activities/dam/plan-download.js';
import { findArchives, findPlan } from '../../dam/download-job-store.js';
import { removeExpiredArchives } from '../../dam/expire-archives.js';
import { adminUser, type Session } from '../../repository/api.js';
import { addTenant, openWorld, type World } from './support/world.js';

let world: World;
const day = 86_400_000;

beforeAll(async () => {
  world = await openWorld();
  await world.change(async (session) => {
    await addTenant(session, 'aurora', '/content/dam/aurora', { archiveDays: '2' });
  });
  await world.addAssets({
    '/content/dam/aurora/a.txt': Buffer.from('a'),
    '/content/dam/plain/b.txt': Buffer.from('b'),
  });
});
afterAll(() => world.close());

async function deliver(path: string, tenant: string): Promise<string> {
  const payload = await world.request({ paths: [path] });
  for (const step of [planDownloadStep, packageStep, deliverStep, deliverStep]) {
    await world.run(step, payload, { tenant });
  }
  return payload;
}

const read = <T>(work: (session: Session) => Promise<T>) => world.repository.withSession(adminUser, work);
const sweep = (now: Date) =>
  world.repository.withSession({ service: 'workflow' }, (session) => removeExpiredArchives(session, now));

describe('archives of a tenant that keeps them for a time', () => {
  it('expire so long after they were delivered, are taken out then, and leave the record', async () => {
    const kept = await deliver('/content/dam/plain', 'global');
    const limited = await deliver('/content/dam/aurora', 'aurora');
    const node = await read((session) => session.getNode(limited));
    const expires = Date.parse(node.text('expires') ?? '');
    expect(expires - Date.parse(node.text('delivered') ?? '')).toBe(2 * day);

    expect(await sweep(new Date(expires - 1))).toBe(0);
    expect(await read((session) => findArchives(session, limited))).toBeDefined();
    expect(await sweep(new Date(expires))).toBe(1);
    expect(await read((session) => findArchives(session, limited))).toBeUndefined();
    expect(await read((session) => findPlan(session, limited))).toBeUndefined();
    const after = await read((session) => session.getNode(limited));
    expect(after.texts('archiveNames')).toEqual(node.texts('archiveNames'));
    expect(await sweep(new Date(expires + day))).toBe(0);

    // Without a time they stay for ever.
    expect((await read((session) => session.getNode(kept))).property('expires')).toBeUndefined();
    expect(await sweep(new Date(8.64e15))).toBe(0);
    expect(await read((session) => findArchives(session, kept))).toBeDefined();
  });
});
