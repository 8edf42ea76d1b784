/** Lists and retention over records alone: what is asked for never depends on how many there are. */
import { createMailer } from '../../activities/mail/create-mailer.js';
import { describe, expect, it } from 'vitest';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { createFinish } from '../../activities/satchel/finish.js';
import { addRequest, instancesRoot, readRequest, requestsRoot } from '../../activities/satchel/request-node.js';
import { createWorkItemActivities, inboxRoot } from '../../activities/satchel/work-items.js';
import { instanceDays } from '../../dam/settings/definitions.js';
import { createSettings } from '../../dam/settings/settings.js';
import type { JobQuery } from '../../engine/api.js';
import { listJobs } from '../../engine/instances/list-jobs.js';
import { purgeInstances } from '../../engine/instances/purge-instances.js';
import { adminUser, type Repository } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { createUser } from '../../repository/users.js';
import type { Outcome } from '../../workflows/contract/model.js';
import { initialRecords } from '../../workflows/contract/step-records.js';
import { backends, openFor } from '../repository/world.js';
import { modelOf, stepOf } from './pinned-jobs.js';

const service = { service: 'workflow' };
const start = Date.parse('2026-01-01T00:00:00Z');
const dayMs = 86_400_000;

interface Past {
  readonly model?: string;
  readonly initiator?: string;
  readonly tenant?: string;
  /** Days after the first of January. */
  readonly day?: number;
  readonly outcome?: Outcome;
}

/** Workflows as their steps left them, without the steps. */
async function record(repository: Repository, pasts: readonly Past[]): Promise<string[]> {
  const finish = createFinish(repository);
  const ids: string[] = [];
  await repository.withSession(service, async (session) => {
    for (const [index, { model = 'test/a', initiator = 'ada', tenant = 'global', day = 0 }] of pasts.entries()) {
      const created = new Date(start + day * dayMs + index);
      const id = `${created
        .toISOString()
        .replaceAll(/\D/g, '')
        .replace(/^(\d{8})/, '$1-')}-${index}`;
      ids.push(id);
      const pinned = modelOf(model, [stepOf('only', 'test/one')]);
      await addRequest(session, { id, model: pinned, payload: '/content', initiator, tenant, created });
    }
    await session.save();
  });
  for (const [index, { model = 'test/a', initiator = 'ada', tenant = 'global', outcome }] of pasts.entries()) {
    const id = ids[index] ?? '';
    if (!outcome) continue;
    const workflow = {
      id,
      request: `${requestsRoot}/${id}`,
      payload: '/content',
      tenant,
      initiator,
      model,
      modelVersion: 'v1',
    };
    await finish({ workflow, transient: false, followed: false, outcome, steps: initialRecords({ steps: [] }) });
  }
  return ids;
}

const failed: Outcome = { state: 'failed', code: 'STEP_FAILED', message: 'no', step: 'only' };

describe.each(Object.entries(backends))('lists of workflows on %s', (_name, open) => {
  it('come from an index: pages, newest first, by state, model and initiator', async () => {
    // Far fewer than there are records: a list that walked over them would be refused.
    const repository = await openFor(() => open({ queries: { maxVisitedNodes: 40, maxSortedEntries: 10 } }));
    await bootstrapRepository(repository);
    const ids = await record(repository, [
      ...Array.from({ length: 100 }, (_, index) => ({
        model: index % 10 === 0 ? 'test/b' : 'test/a',
        initiator: index % 4 === 0 ? 'bob' : 'ada',
        outcome: index % 25 === 0 ? failed : ({ state: 'completed' } as const),
      })),
      { initiator: 'ada' },
      { initiator: 'bob' },
    ]);
    const newest = [...ids].reverse();
    const list = (user: string, query: JobQuery = {}) =>
      repository.withSession(service, async (session) => {
        const found: string[] = [];
        let after: string | undefined;
        do {
          const page = await listJobs(session, user, { limit: 7, ...query, ...(after !== undefined && { after }) });
          expect(page.jobs.length).toBeLessThanOrEqual(7);
          found.push(...page.jobs.map(({ id }) => id));
          after = page.next;
        } while (after !== undefined);
        return found;
      });
    const those = (wanted: (index: number) => boolean) => newest.filter((id) => wanted(ids.indexOf(id)));
    expect(await list(adminUser)).toEqual(newest);
    expect(await list(adminUser, { model: 'test/b' })).toEqual(those((index) => index < 100 && index % 10 === 0));
    expect(await list(adminUser, { state: 'failed' })).toEqual(those((index) => index < 100 && index % 25 === 0));
    expect(await list(adminUser, { state: 'queued' })).toEqual(newest.slice(0, 2));
    expect(await list('ada', { state: 'queued' })).toEqual([ids[100]]);
    expect(await list('bob', { model: 'test/b' })).toEqual(those((index) => index < 100 && index % 20 === 0));
    expect(await list('eve')).toEqual([]);
    expect(await list(adminUser, { mine: true })).toEqual([]);
  });

  it('have what earlier versions left', async () => {
    const repository = await openFor(open);
    await bootstrapRepository(repository);
    const [id = ''] = await record(repository, [{ outcome: failed }]);
    await repository.withSession(adminUser, async (session) => {
      await session.setProperties(`${instancesRoot}/${id}`, { listed: null });
      await session.setProperties('/var/satchel/bootstrap', { version: 2 });
      await session.save();
    });
    await bootstrapRepository(repository);
    await repository.withSession(service, async (session) => {
      expect((await listJobs(session, 'ada', { state: 'failed' })).jobs.map((job) => job.id)).toEqual([id]);
      expect(readRequest(await session.getNode(`${instancesRoot}/${id}`)).state).toBe('failed');
    });
  });
});

describe('records of ended workflows', () => {
  it('are kept for as long as their tenant says, and go with their work items', async () => {
    const repository = await openFor(backends['LevelDB and files'] ?? (() => Promise.reject(new Error('no backend'))));
    await bootstrapRepository(repository);
    const overlay = createOverlayResolver({ repository });
    const settings = createSettings({ overlay });
    await repository.withSession(adminUser, async (session) => {
      await createUser(session, { id: 'ada' });
      for (const [tenant, days] of [
        ['short', 2],
        ['long', 1000],
      ] as const) {
        const path = `/conf/${tenant}/settings/${instanceDays.path}`;
        await session.ensureNode(path);
        await session.setProperties(path, { [instanceDays.name]: days });
      }
      await session.save();
    });
    const outcome = { state: 'completed' } as const;
    const ids = await record(repository, [
      { tenant: 'short', outcome },
      { tenant: 'long', outcome },
      { tenant: 'global', outcome },
      { tenant: 'short' },
    ]);
    const [old = '', kept = '', ofAll = '', open = ''] = ids;
    const items = createWorkItemActivities({
      repository,
      overlay,
      externalUrl: () => '',
      // Nobody is told.
      mailer: createMailer({ overlay, transport: undefined, from: 'satchel@example.com' }),
    });
    const workflow = {
      id: open,
      request: `${requestsRoot}/${open}`,
      payload: '/content',
      tenant: 'short',
      initiator: 'ada',
      model: 'test/a',
      modelVersion: 'v1',
    };
    const step = { name: 'ask', title: 'Ask', description: '', notify: false };
    await items.open({ workflow, step, assignee: 'ada', visit: 1 });
    const purge = (now: number) =>
      repository.withSession(service, (session) => purgeInstances(session, { overlay, settings, now: new Date(now) }));
    const left = () =>
      repository.withSession(service, async (session) => {
        const names: string[] = [];
        for await (const { name } of session.children(instancesRoot)) names.push(name);
        for await (const { primaryType } of session.children(inboxRoot)) names.push(primaryType);
        return names;
      });
    // They ended now, whenever they began.
    expect(await purge(Date.now())).toBe(0);
    expect(await purge(Date.now() + 3 * dayMs)).toBe(1);
    expect(await left()).toEqual([kept, ofAll, 'nt:unstructured']);
    expect(old).not.toBe('');

    await items.close({ workflow, step, assignee: 'ada', visit: 1, ended: { state: 'completed', by: 'ada' } });
    const about = { transient: false, followed: false, outcome, steps: [] };
    await createFinish(repository)({ workflow, ...about });
    expect(await purge(Date.now() + 3 * dayMs)).toBe(1);
    expect(await left()).toEqual([kept, ofAll]);
  });
});
