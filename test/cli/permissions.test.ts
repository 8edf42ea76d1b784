import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { passwordHashOf } from '../../repository/users.js';
import { verifyPassword } from '../../server/passwords.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;

beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/plan/a');
    await session.save();
  });
  for (const id of ['ada', 'ben']) await world.run('user', 'add', id);
});
afterAll(async () => world.close());

const failed = (code: string) => ({ code: 2, document: { error: { code } } });

describe('satchel permissions', () => {
  it('grants and denies, and shows both in their order', async () => {
    await world.run('permissions', 'grant', '/content/plan', 'ada', 'jcr:read', 'rep:write');
    await world.run('permissions', 'deny', '/content/plan', 'everyone', 'jcr:removeNode', '--glob', '/a');
    const { document } = await world.json('permissions', 'show', '/content/plan/a');
    expect(document).toMatchObject({
      path: '/content/plan/a',
      policies: [
        {
          path: '/content/plan',
          entries: [
            { kind: 'allow', principal: 'ada', privileges: ['jcr:read', 'rep:write'], restrictions: {} },
            { kind: 'deny', principal: 'everyone', privileges: ['jcr:removeNode'], restrictions: { glob: '/a' } },
          ],
        },
        { path: '/content' },
      ],
    });
    const { stdout } = await world.run('permissions', 'show', '/content/plan/a');
    expect(stdout).toContain('everyone  jcr:removeNode [rep:glob "/a"]');
    expect((await world.run('get', '/content/plan/a', '--as', 'ada')).code).toBe(0);
  });
  it.each([
    ['ada', true],
    ['dam-users', true],
    ['nobody', false],
  ])('says whether it knows %s', async (id, known) => {
    const { stdout } = await world.run('permissions', 'show', '/content/plan/a', '--for', id);
    expect(stdout.includes('is known here')).toBe(!known);
    expect((await world.json('permissions', 'show', '/content/plan/a', '--for', id)).document).toMatchObject({ known });
  });

  it('says why somebody may do something and why not', async () => {
    const ada = await world.run('permissions', 'show', '/content/plan/a', '--for', 'ada');
    expect(ada.stdout).toMatch(/^jcr:removeNode +allowed +by allow of \/content\/plan, for ada$/m);
    const ben = await world.run('permissions', 'show', '/content/plan/a', '--for', 'ben');
    expect(ben.stdout).toMatch(
      /^jcr:removeNode +denied +by deny of \/content\/plan, for everyone \(through everyone\) \[rep:glob "\/a"\]$/m,
    );
    expect(ben.stdout).toMatch(/^rep:readNodes +nothing said$/m);
    const admin = await world.run('permissions', 'show', '/content/plan/a', '--for', 'admin');
    expect(admin.stdout).toBe('admin is an administrator and may do everything\n');
  });
  it.each([
    ['an unknown privilege', ['grant', '/content/plan', 'ada', 'jcr:rite'], 'INVALID_REQUEST'],
    ['a glob beyond measure', ['grant', '/content/plan', 'ada', 'jcr:read', '--glob', '*'.repeat(21)], 'INVALID_VALUE'],
    ['a path that does not exist', ['grant', '/content/plam', 'ada', 'jcr:read'], 'PATH_NOT_FOUND'],
    ['one who may not', ['grant', '/content/plan', 'ada', 'jcr:all', '--as', 'ada'], 'ACCESS_DENIED'],
    ['one who may not ask', ['show', '/content/plan', '--for', 'ben', '--as', 'ada'], 'ACCESS_DENIED'],
  ])('refuses %s', async (_title, args, code) => {
    expect(await world.json('permissions', ...args)).toMatchObject(failed(code));
  });
});

describe('satchel group', () => {
  it('adds groups, lists them and changes their members', async () => {
    expect((await world.json('group', 'add', 'editors', 'ada')).code).toBe(0);
    expect(await world.json('group', 'members', 'editors', '--add', 'ben', 'dam-users')).toMatchObject({
      document: { id: 'editors', members: ['ada', 'ben', 'dam-users'] },
    });
    const { stdout } = await world.run('group', 'members', 'editors', '--remove', 'ada');
    expect(stdout).toBe('ben\ndam-users\n');
    expect((await world.run('group', 'list')).stdout).toMatch(/^editors +2$/m);
    expect(await world.json('group', 'add', 'editors')).toMatchObject(failed('ITEM_EXISTS'));
    expect(await world.json('group', 'members', 'nobody')).toMatchObject(failed('PATH_NOT_FOUND'));
    expect(await world.json('group', 'members', 'editors', '--add', 'ben', '--as', 'ada')).toMatchObject(
      failed('PATH_NOT_FOUND'),
    );
  });
});

describe('satchel user', () => {
  it('gives the administrator, who has none at first, a password', async () => {
    const hash = async () =>
      world.satchel.repository.withSession(adminUser, async (session) => passwordHashOf(session, adminUser));
    expect(await hash()).toBeUndefined();
    const { code, stdout } = await world.runAnswering('correct horse battery', 'user', 'password', adminUser);
    expect([code, stdout]).toEqual([0, 'admin has a new password and is logged out everywhere\n']);
    expect(await verifyPassword(await hash(), 'correct horse battery')).toBe(true);
    await world.runAnswering('another horse', 'user', 'password', adminUser);
    expect(await verifyPassword(await hash(), 'correct horse battery')).toBe(false);
    expect(await verifyPassword(await hash(), 'another horse')).toBe(true);
  });
  it('cannot change a password without the right to', async () => {
    const own = await world.runAnswering('correct horse', 'user', 'password', 'ada', '--as', 'ada', '--json');
    expect(JSON.parse(own.stdout)).toMatchObject({ error: { code: 'ACCESS_DENIED' } });
    const unknown = await world.runAnswering('correct horse', 'user', 'password', 'nobody', '--json');
    expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'UNKNOWN_USER' } });
  });
  it('changes a profile, value by value', async () => {
    await world.run(
      'user',
      'set',
      'ada',
      '--email',
      'ada@example.com',
      '--language',
      'de',
      '--time-zone',
      'Asia/Tokyo',
    );
    const changed = await world.json('user', 'set', 'ada', '--email', 'ada@example.org', '--time-zone', '');
    expect(changed).toMatchObject({ code: 0, document: { id: 'ada', email: 'ada@example.org', language: 'de' } });
    const { document } = await world.json('user', 'list');
    expect((document as { users: object[] }).users).toContainEqual({
      id: 'ada',
      email: 'ada@example.org',
      language: 'de',
      disabled: false,
      groups: expect.arrayContaining(['everyone']) as string[],
    });
  });
  it.each([
    ['user', 'set', 'ada'],
    ['user', 'set', 'ada', '--email', 'nobody'],
    ['user', 'set', 'ada', '--language', 'no language'],
    ['user', 'set', 'ada', '--time-zone', 'Mars/Olympus'],
    ['user', 'add', 'eve', '--language', 'no language'],
  ])('refuses what no profile holds: %s %s %s %s %s', async (...args) => {
    expect(await world.json(...args)).toMatchObject({ code: 2 });
  });
  it('lets people change their own profile, and no other', async () => {
    const own = await world.json('user', 'set', 'ada', '--name', 'Ada', '--as', 'ada');
    expect(own).toMatchObject({ code: 0, document: { displayName: 'Ada' } });
    expect(await world.json('user', 'set', 'ben', '--name', 'B', '--as', 'ada')).toMatchObject(failed('UNKNOWN_USER'));
    await world.run('permissions', 'grant', '/home/users/ben', 'ada', 'jcr:read');
    expect(await world.json('user', 'set', 'ben', '--name', 'B', '--as', 'ada')).toMatchObject(failed('ACCESS_DENIED'));
    await world.run('permissions', 'deny', '/home/users/ben', 'ada', 'jcr:read');
    expect(await world.json('user', 'set', 'nobody', '--name', 'N')).toMatchObject(failed('UNKNOWN_USER'));
  });
  it('disables and enables', async () => {
    await world.run('user', 'disable', 'ben', '--reason', 'left');
    expect(await world.json('tree', '/content', '--as', 'ben')).toMatchObject(failed('UNKNOWN_USER'));
    expect((await world.run('user', 'list')).stdout).toMatch(/^ben .*\(disabled\)$/m);
    await world.run('user', 'enable', 'ben');
    expect(await world.json('tree', '/content', '--as', 'ben')).toMatchObject(failed('PATH_NOT_FOUND'));
    expect(await world.json('user', 'disable', adminUser)).toMatchObject(failed('CONSTRAINT_VIOLATION'));
  });
});
