import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessEvaluator } from '../../repository/access/evaluate.js';
import { matchesGlob } from '../../repository/access/glob.js';
import { expandPrivileges } from '../../repository/access/privileges.js';
import { deny, grant } from '../../repository/access/policy.js';
import type { Repository, Session } from '../../repository/api.js';
import { addMember, createGroup, createServiceUser, createUser } from '../../repository/users.js';
import { backends, collect, namesOf, openFor, pathsOf, sessionOf } from './world.js';

/** /open (readable by everyone) and /secret (by nobody), each with children; users ada (dam-users) and ben. */
async function world(open: () => Promise<Repository>, prepare: (admin: Session) => Promise<void> = async () => {}) {
  const repository = await openFor(open);
  const admin = await sessionOf(repository);
  for (const path of ['/open', '/open/a', '/open/a/b', '/open/hidden', '/open/hidden/deep', '/secret', '/secret/a']) {
    await admin.addNode(path, { properties: { title: path } });
  }
  await createUser(admin, { id: 'ada', groups: ['dam-users'] });
  await createUser(admin, { id: 'ben' });
  await grant(admin, '/open', 'everyone', ['jcr:read']);
  await deny(admin, '/open/hidden', 'everyone', ['jcr:read']);
  await prepare(admin);
  await admin.save();
  return { repository, admin, ada: await sessionOf(repository, 'ada') };
}

describe.each(Object.entries(backends))('access control on %s', (_name, open) => {
  describe('what may not be read', () => {
    it('answers exactly as what does not exist, in every method', async () => {
      const { ada, admin } = await world(open);
      const hidden = await admin.getNode('/open/hidden/deep');
      const answers = async (name: string) => {
        const path = `/open/${name}`;
        const attempt = (work: Promise<unknown>) =>
          work.then(
            (value) => ({ value }),
            (error: unknown) => ({ error: JSON.stringify(error), message: String(error).replaceAll(name, 'NAME') }),
          );
        return JSON.stringify([
          await attempt(ada.getNode(path)),
          await attempt(ada.findNode(path)),
          await attempt(ada.findNodes([path, `${path}/deep`])),
          await attempt(pathsOf(ada.children(path))),
          await attempt(pathsOf(ada.descendants(path))),
          await attempt(ada.setProperties(path, { x: 1 })),
          await attempt(ada.addNode(`${path}/deep`)),
          await attempt(ada.remove(path)),
          await attempt(ada.move(path, '/open/elsewhere')),
          await attempt(ada.move('/open/a', `${path}/inside`)),
          await attempt(ada.orderBefore(path, undefined)),
          await attempt(ada.orderBefore('/open/a', name)),
          await attempt(ada.hasPrivileges(path, 'jcr:read')),
        ]).replaceAll(name, 'NAME');
      };
      expect(await answers('hidden')).toBe(await answers('absent'));
      expect(await ada.findNodeByIdentifier(hidden.identifier)).toBeUndefined();
    });

    it('shows in no listing, with what lies below it', async () => {
      const { ada } = await world(open, (admin) => grant(admin, '/open/hidden/deep', 'ada', ['jcr:read']));
      expect(await namesOf(ada.children('/open'))).toEqual(['a']);
      expect(await pathsOf(ada.descendants('/open'))).toEqual(['/open/a', '/open/a/b']);
      // A path of its own that is readable below one that is not can be read directly, as in JCR.
      expect((await ada.getNode('/open/hidden/deep')).name).toBe('deep');
      expect(await ada.findNode('/secret')).toBeUndefined();
      expect(await ada.findNode('/')).toBeUndefined();
    });

    it('cannot be overwritten by adding a node of the same name', async () => {
      const { ada, admin } = await world(open, (s) => grant(s, '/open', 'ada', ['rep:write']));
      await ada.addNode('/open/hidden');
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED', paths: ['/open/hidden'] });
      await ada.refresh();
      await ada.ensureNode('/open/hidden');
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      await admin.refresh();
      expect((await admin.getNode('/open/hidden')).text('title')).toBe('/open/hidden');
    });

    it('cannot be referred to', async () => {
      const { ada, admin } = await world(open, (s) => grant(s, '/open', 'ada', ['rep:write']));
      const { identifier } = await admin.getNode('/secret/a');
      await ada.setProperties('/open/a', { ref: { type: 'Reference', multiple: false, values: [identifier] } });
      await expect(ada.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    });
  });

  describe('a save without the privilege', () => {
    it.each<[string, (s: Session) => Promise<unknown>, string[]]>([
      ['adding a node', (s) => s.addNode('/open/a/new'), ['jcr:addChildNodes']],
      [
        'adding a node with properties',
        (s) => s.addNode('/open/a/new', { properties: { x: 1 } }),
        ['jcr:addChildNodes', 'jcr:modifyProperties'],
      ],
      ['changing a property', (s) => s.setProperties('/open/a', { x: 1 }), ['jcr:modifyProperties']],
      ['removing a property', (s) => s.setProperties('/open/a', { title: null }), ['jcr:modifyProperties']],
      ['removing a node', (s) => s.remove('/open/a/b'), ['jcr:removeNode', 'jcr:removeChildNodes']],
      [
        'moving a node',
        (s) => s.move('/open/a/b', '/open/b'),
        ['jcr:removeNode', 'jcr:removeChildNodes', 'jcr:addChildNodes'],
      ],
      ['ordering', (s) => s.orderBefore('/open/a', undefined), ['jcr:addChildNodes', 'jcr:removeChildNodes']],
    ])('is refused: %s', async (_case, change, needed) => {
      const { ada, admin } = await world(open);
      for (const missing of ['all', ...needed]) {
        const given = missing === 'all' ? [] : needed.filter((privilege) => privilege !== missing);
        if (given.length > 0) {
          await admin.refresh();
          const policy = await collect(admin.children('/open/rep:policy'));
          for (const entry of policy.slice(1)) await admin.remove(entry.path);
          await grant(admin, '/open', 'ada', given as ['jcr:read']);
          await admin.save();
        }
        await ada.refresh();
        await change(ada);
        await expect(ada.save(), `without ${missing}`).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      }
      await admin.refresh();
      await grant(admin, '/open', 'ada', needed as ['jcr:read']);
      await admin.save();
      await ada.refresh();
      await change(ada);
      await expect(ada.save()).resolves.toBeGreaterThan(0);
    });

    it('is refused by the rights at the time of the save, not of the login', async () => {
      const { ada, admin } = await world(open, (s) => grant(s, '/open', 'dam-users', ['rep:write']));
      await ada.setProperties('/open/a', { x: 1 });
      const members = await admin.getNode('/home/groups/dam-users');
      await admin.setProperties(members.path, { 'rep:members': [] });
      await admin.save();
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      await addMember(admin, 'dam-users', 'ada');
      await admin.save();
      await expect(ada.save()).resolves.toBeGreaterThan(0);
    });

    it('answers PATH_NOT_FOUND once the node may not be read any more', async () => {
      const { ada, admin } = await world(open, (s) => grant(s, '/open', 'ada', ['rep:write']));
      await ada.setProperties('/open/a', { x: 1 });
      await deny(admin, '/open/a', 'ada', ['jcr:all']);
      await admin.save();
      await expect(ada.save()).rejects.toMatchObject({ code: 'PATH_NOT_FOUND', paths: ['/open/a'] });
    });

    it('is refused for a subtree in which another policy protects a node', async () => {
      const { ada } = await world(open, async (admin) => {
        await grant(admin, '/open', 'ada', ['rep:write']);
        await deny(admin, '/open/a/b', 'ada', ['jcr:removeNode']);
      });
      await ada.remove('/open/a');
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED', paths: ['/open/a'] });
      await ada.refresh();
      await ada.move('/open/a', '/open/c');
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    });

    it('is refused for a node moved on out of a subtree that was moved first', async () => {
      const { ada } = await world(open, async (admin) => {
        await grant(admin, '/open', 'ada', ['rep:write']);
        await admin.addNode('/open/closed');
        await deny(admin, '/open/closed', 'ada', ['jcr:addChildNodes']);
      });
      await ada.move('/open/a', '/open/c');
      await ada.move('/open/c/b', '/open/closed/b');
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED', paths: ['/open/closed'] });
    });
  });

  describe('policies', () => {
    it('need jcr:readAccessControl to be seen and jcr:modifyAccessControl to be set', async () => {
      const { ada, admin } = await world(open, (s) => grant(s, '/open', 'ada', ['jcr:read', 'rep:write']));
      expect(await ada.findNode('/open/rep:policy')).toBeUndefined();
      await ada.addNode('/open/a/rep:policy', { primaryType: 'rep:ACL' });
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      await ada.refresh();
      await ada.addNode('/open/a/innocent', { primaryType: 'rep:ACL' });
      await ada.save();
      await ada.move('/open/a/innocent', '/open/a/rep:policy');
      await expect(ada.save()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });

      await grant(admin, '/open', 'ada', ['jcr:readAccessControl', 'jcr:modifyAccessControl']);
      await admin.save();
      await ada.refresh();
      expect((await ada.getNode('/open/rep:policy')).primaryType).toBe('rep:ACL');
      await grant(ada, '/open/a', 'ben', ['jcr:read']);
      await expect(ada.save()).resolves.toBeGreaterThan(0);
    });

    it('count from the next session or refresh, and no longer once removed or moved away', async () => {
      const { repository, admin } = await world(open);
      const ben = await sessionOf(repository, 'ben');
      await grant(admin, '/secret', 'ben', ['jcr:read']);
      await admin.save();
      expect(await ben.findNode('/secret/a')).toBeUndefined();
      await ben.refresh();
      expect((await ben.getNode('/secret/a')).name).toBe('a');
      await admin.move('/secret', '/secret2');
      await admin.save();
      await ben.refresh();
      expect((await ben.getNode('/secret2/a')).name).toBe('a');
      await admin.remove('/secret2/rep:policy');
      await admin.addNode('/secret');
      await admin.save();
      await ben.refresh();
      expect(await ben.findNodes(['/secret2/a', '/secret'])).toEqual([undefined, undefined]);
    });

    it('are not repeated when the same is granted again', async () => {
      const { admin } = await world(open);
      for (let start = 0; start < 3; start++) {
        await grant(admin, '/secret', 'ada', ['jcr:read']);
        await grant(admin, '/secret', 'ada', ['rep:write'], { glob: '/a' });
        await admin.save();
      }
      expect(await namesOf(admin.children('/secret/rep:policy'))).toEqual(['allow', 'allow1']);
      await deny(admin, '/secret', 'ada', ['jcr:read']);
      await grant(admin, '/secret', 'ada', ['jcr:read']);
      await admin.save();
      expect(await namesOf(admin.children('/secret/rep:policy'))).toEqual(['allow', 'allow1', 'deny', 'allow2']);
    });

    it('with an unknown privilege are refused', async () => {
      const { admin } = await world(open);
      await expect(grant(admin, '/open', 'ada', ['jcr:rite' as 'jcr:read'])).rejects.toMatchObject({
        code: 'INVALID_VALUE',
      });
    });

    it('hold for service users, members of nested groups and administrators', async () => {
      const { repository, admin } = await world(open, async (s) => {
        await createServiceUser(s, 'indexer');
        await createGroup(s, 'inner');
        await createGroup(s, 'outer');
        await addMember(s, 'outer', 'inner');
        await addMember(s, 'inner', 'outer');
        await addMember(s, 'inner', 'ada');
        await addMember(s, 'administrators', 'ben');
        await grant(s, '/secret', 'indexer', ['jcr:read']);
        await grant(s, '/secret', 'outer', ['jcr:read']);
      });
      expect(admin.hasPendingChanges).toBe(false);
      const reads = async (user: string | { service: string }) =>
        repository.withSession(user, async (s) => (await s.findNode('/secret/a')) !== undefined);
      expect(await reads('ada')).toBe(true);
      expect(await reads('ben')).toBe(true);
      expect(await reads({ service: 'indexer' })).toBe(true);
    });

    it('from packages may carry their glob in a rep:restrictions node', async () => {
      const { repository } = await world(open, async (s) => {
        await s.addNode('/secret/rep:policy', { primaryType: 'rep:ACL' });
        await s.addNode('/secret/rep:policy/allow', {
          primaryType: 'rep:GrantACE',
          properties: { 'rep:principalName': 'ada', 'rep:privileges': ['jcr:read'] },
        });
        await s.addNode('/secret/rep:policy/allow/rep:restrictions', {
          primaryType: 'rep:Restrictions',
          properties: { 'rep:glob': '/a' },
        });
      });
      const ada = await sessionOf(repository, 'ada');
      expect((await ada.findNodes(['/secret', '/secret/a'])).map((node) => node?.path)).toEqual([
        undefined,
        '/secret/a',
      ]);
    });

    it('say what hasPrivileges answers', async () => {
      const { ada } = await world(open, (s) => grant(s, '/open', 'dam-users', ['rep:write', 'satchel:launchWorkflow']));
      expect(await ada.hasPrivileges('/open/a', 'jcr:read', 'rep:write')).toBe(true);
      expect(await ada.hasPrivileges('/open/a', 'satchel:launchWorkflow')).toBe(true);
      expect(await ada.hasPrivileges('/open/a', 'jcr:read', 'jcr:modifyAccessControl')).toBe(false);
      expect(await ada.hasPrivileges('/open/a', 'jcr:all')).toBe(false);
      expect(await ada.hasPrivileges('/secret', 'jcr:read')).toBe(false);
    });
  });
});

describe('evaluation', () => {
  type Entry = [kind: 'allow' | 'deny', principal: string, glob?: string];
  const mayRead = (policies: Record<string, Entry[]>, path: string, user = 'ada') =>
    new AccessEvaluator(
      {
        policyEpoch: 1,
        groupEpoch: 1,
        members: new Map([['team', ['ada']]]),
        policies: new Map(
          Object.entries(policies).map(([at, entries]) => [
            at,
            entries.map(([kind, principal, glob], index) => ({
              name: `${kind}${index}`,
              allow: kind === 'allow',
              principal,
              privileges: expandPrivileges(['jcr:read']),
              restrictions: glob === undefined ? {} : { glob },
              unknownRestrictions: [],
            })),
          ]),
        ),
      },
      user,
    ).canRead(path);

  it.each<[string, Record<string, Entry[]>, boolean]>([
    ['nothing said is denied', {}, false],
    ['a grant above', { '/': [['allow', 'ada']] }, true],
    ['a grant to someone else', { '/': [['allow', 'ben']] }, false],
    ['a grant to a group', { '/a': [['allow', 'team']] }, true],
    ['a grant to everyone', { '/a': [['allow', 'everyone']] }, true],
    ['the nearest node decides', { '/': [['deny', 'everyone']], '/a': [['allow', 'everyone']] }, true],
    ['the nearest node decides, to deny', { '/': [['allow', 'team']], '/a': [['deny', 'everyone']] }, false],
    ['the user comes before groups of nearer nodes', { '/': [['allow', 'ada']], '/a': [['deny', 'everyone']] }, true],
    [
      'the user comes before groups of nearer nodes, to deny',
      { '/': [['deny', 'ada']], '/a': [['allow', 'team']] },
      false,
    ],
    [
      'the later entry decides',
      {
        '/a': [
          ['deny', 'team'],
          ['allow', 'everyone'],
        ],
      },
      true,
    ],
    [
      'the later entry decides, to deny',
      {
        '/a': [
          ['allow', 'everyone'],
          ['deny', 'team'],
        ],
      },
      false,
    ],
    [
      'the user comes before groups',
      {
        '/a': [
          ['allow', 'ada'],
          ['deny', 'team'],
        ],
      },
      true,
    ],
    [
      'the user comes before groups, to deny',
      {
        '/a': [
          ['deny', 'ada'],
          ['allow', 'everyone'],
        ],
      },
      false,
    ],
    [
      'an entry for other paths says nothing',
      {
        '/a': [
          ['allow', 'ada'],
          ['deny', 'ada', '/x'],
        ],
      },
      true,
    ],
    ['a policy on a sibling says nothing', { '/a-b': [['allow', 'ada']], '/a/c': [['allow', 'ada']] }, false],
  ])('%s', (_rule, policies, expected) => {
    expect(mayRead(policies, '/a/b')).toBe(expected);
  });

  it('lets the administrator read everything', () => {
    expect(mayRead({ '/': [['deny', 'everyone']] }, '/a', 'admin')).toBe(true);
  });

  // The table of Oak's documentation, "Restriction Management", for a policy at /foo.
  it.each<[string | undefined, string[], string[]]>([
    [undefined, ['/foo', '/foo/a', '/foo/a/b'], []],
    ['', ['/foo'], ['/foo/a']],
    ['/cat', ['/foo/cat', '/foo/cat/a'], ['/foo', '/foo/cats', '/foo/a/cat']],
    ['/cat/', ['/foo/cat/a'], ['/foo/cat', '/foo']],
    ['/*', ['/foo/a', '/foo/a/b'], ['/foo']],
    ['/*cat', ['/foo/cat', '/foo/a/cat', '/foo/hellocat'], ['/foo/cat/a', '/foo']],
    ['/*/cat', ['/foo/a/cat', '/foo/a/b/cat'], ['/foo/cat', '/foo/a/cat/b']],
    ['/cat*', ['/foo/cat', '/foo/cats', '/foo/cat/a'], ['/foo/a/cat']],
    ['/*/cat*', ['/foo/a/cat', '/foo/a/cats/b'], ['/foo/cat']],
    ['*', ['/foo', '/foo/a'], []],
  ])('rep:glob %j', (glob, matching, others) => {
    expect(matching.filter((path) => !matchesGlob(glob, '/foo', path))).toEqual([]);
    expect(others.filter((path) => matchesGlob(glob, '/foo', path))).toEqual([]);
  });

  it('matches wildcards as the regular expression they stand for', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 4 }), text, (parts, rest) => {
        const expected = new RegExp(`^/foo${parts.join('.*')}$`, 's').test(`/foo${rest}`);
        expect(matchesGlob(parts.join('*'), '/foo', `/foo${rest}`)).toBe(expected);
      }),
    );
  });
});
