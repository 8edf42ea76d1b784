import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectivePolicies, explainPermissions } from '../../repository/access/explain.js';
import { listEntries, removeEntry, setPolicy } from '../../repository/access/policy.js';
import { atomicPrivileges } from '../../repository/access/privileges.js';
import { backends, openFor, sessionOf } from '../repository/world.js';
import { buildWorld, worldPaths } from './access-world.js';

const statements = [
  'outer = inner',
  'inner = ada',
  '/ + everyone jcr:read',
  '/a + outer rep:write',
  '/a - ada jcr:removeNode glob=/b',
  '/a/b - everyone jcr:read',
  '/a/b + inner rep:readNodes',
  '/ab + ben jcr:all',
].join('; ');

describe.each(Object.entries(backends))('explaining permissions on %s', (_name, open) => {
  it('names the entry that decides, and how it comes to concern the user', async () => {
    const admin = await sessionOf(await openFor(open));
    await buildWorld(admin, statements);
    const { privileges, groups, administrator } = await explainPermissions(admin, '/a/b/c', 'ada');
    const of = (wanted: string) => privileges.find(({ privilege }) => privilege === wanted);
    expect(privileges.map(({ privilege }) => privilege)).toEqual(atomicPrivileges);
    expect(administrator).toBe(false);
    expect(groups.toSorted()).toEqual(['everyone', 'inner', 'outer']);
    expect(of('jcr:removeNode')).toEqual({
      privilege: 'jcr:removeNode',
      decision: 'denied',
      by: { path: '/a', name: 'deny', principal: 'ada', via: [], restrictions: { glob: '/b' } },
    });
    expect(of('jcr:addChildNodes')).toEqual({
      privilege: 'jcr:addChildNodes',
      decision: 'allowed',
      by: { path: '/a', name: 'allow', principal: 'outer', via: ['inner', 'outer'], restrictions: {} },
    });
    expect(of('rep:readNodes')).toMatchObject({ decision: 'allowed', by: { path: '/a/b', via: ['inner'] } });
    expect(of('rep:readProperties')).toMatchObject({ decision: 'denied', by: { path: '/a/b', via: ['everyone'] } });
    expect(of('jcr:lockManagement')).toEqual({
      privilege: 'jcr:lockManagement',
      decision: 'nothing said',
      by: undefined,
    });
  });

  it('says what evaluation decides, everywhere', async () => {
    const repository = await openFor(open);
    const admin = await sessionOf(repository);
    await buildWorld(admin, statements);
    const ada = await sessionOf(repository, 'ada');
    for (const path of worldPaths.filter((at) => at !== '/a/jcr:content')) {
      for (const { privilege, decision } of (await explainPermissions(admin, path, 'ada')).privileges) {
        // hasPrivileges answers false for all of a node that may not be read.
        if ((await ada.findNode(path)) === undefined) continue;
        expect(await ada.hasPrivileges(path, privilege), `${privilege} at ${path}`).toBe(decision === 'allowed');
      }
    }
  });

  it('takes jcr:readAccessControl on all that is shown', async () => {
    const repository = await openFor(open);
    await buildWorld(
      await sessionOf(repository),
      '/ + everyone jcr:read; /a + ada jcr:readAccessControl; /to + ben jcr:all',
    );
    const ada = await sessionOf(repository, 'ada');
    expect((await effectivePolicies(ada, '/a/b')).map(({ path }) => path)).toEqual(['/a']);
    expect(await effectivePolicies(ada, '/to')).toEqual([]);
    await expect(explainPermissions(ada, '/a/b', 'ben')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(explainPermissions(ada, '/missing', 'ben')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
  });
});

describe('policies', () => {
  it('are listed as they were set, and lose entries by name', async () => {
    const admin = await sessionOf(await openFor(backends['memory'] ?? expect.fail('no backend')));
    await admin.addNode('/a');
    const entry = fc.record({
      kind: fc.constantFrom('allow' as const, 'deny' as const),
      principal: fc.constantFrom('ada', 'everyone'),
      privileges: fc.constantFrom(['jcr:read'] as const, ['rep:write', 'jcr:lockManagement'] as const),
      restrictions: fc.constantFrom({}, { glob: '' }, { glob: '/b*' }, { itemNames: ['b'] }, { prefixes: ['', 'jcr'] }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 4 }), fc.nat(3), async (entries, index) => {
        await setPolicy(admin, '/a', entries);
        await admin.save();
        const listed = await listEntries(admin, '/a');
        expect(
          listed.map(({ kind, principal, privileges, restrictions }) => ({
            kind,
            principal,
            privileges,
            restrictions,
          })),
        ).toEqual(entries);
        const gone = listed[index];
        if (!gone) return;
        await removeEntry(admin, '/a', gone.name);
        await admin.save();
        expect(await listEntries(admin, '/a')).toEqual(listed.toSpliced(index, 1));
      }),
      { numRuns: 60 },
    );
    await expect(removeEntry(admin, '/a', 'missing')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
  });

  it.each([
    ['no privilege', { privileges: [] as const }],
    ['no principal', { principal: '' }],
    ['more wildcards than Oak takes', { restrictions: { glob: '*'.repeat(21) } }],
  ])('with %s are refused', async (_title, wrong) => {
    const admin = await sessionOf(await openFor(backends['memory'] ?? expect.fail('no backend')));
    const entry = { kind: 'allow', principal: 'ada', privileges: ['jcr:read'], ...wrong } as const;
    await expect(setPolicy(admin, '/home', [entry])).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    expect(admin.hasPendingChanges).toBe(false);
  });
});
