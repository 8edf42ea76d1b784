import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAssignments } from '../../cli/assignments.js';
import { adminUser, type Session } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
const limits = '/apps/settings/shop/limits';

async function change(work: (session: Session) => Promise<unknown>): Promise<void> {
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await work(session);
    await session.save();
  });
}

beforeAll(async () => {
  world = await createCommandWorld();
  await change(async (session) => {
    await session.ensureNode('/libs/settings/shop/limits', { properties: { max: 10, title: 'Limits' } });
    await session.ensureNode('/conf/aurora');
    await session.ensureNode('/content/aurora', { properties: { 'sling:configRef': '/conf/aurora' } });
    await session.ensureNode('/libs/conf/sling:configs/mail', { properties: { from: 'libs', reply: 'libs' } });
    await session.ensureNode('/libs/conf/sling:configs/list/a', { properties: { n: 1 } });
    await session.ensureNode('/libs/base/dialog', { properties: { title: 'base', help: 'base' } });
    await session.ensureNode('/apps/part', { properties: { 'sling:resourceSuperType': '/libs/base' } });
    await session.ensureNode('/apps/part/dialog', { properties: { title: 'mine' } });
  });
});
afterAll(async () => world.close());

describe('satchel overlay', () => {
  it('sets, hides, restores and resets, and says where it wrote', async () => {
    expect(
      await world.json('overlay', 'set', 'settings/shop/limits', 'max=5', 'tags[]=a,b', '--tenant', 'aurora'),
    ).toEqual({
      code: 0,
      document: {
        path: '/conf/aurora/settings/shop/limits',
        layer: '/conf/aurora',
        change: 'set',
        written: [{ path: '/conf/aurora/settings/shop/limits', to: 'repository' }],
      },
    });
    const explained = async () => (await world.run('explain', 'settings/shop/limits', '--tenant', 'aurora')).stdout;
    expect(await explained()).toContain('@max = "5"  ← /conf/aurora, hides /libs "10"');
    await world.run('overlay', 'set', '/conf/aurora/settings/shop/limits', '--remove', 'title');
    expect(await explained()).toContain('✕ @title  hidden by /conf/aurora, of /libs');
    expect((await world.run('overlay', 'hide', 'settings/shop/limits', '--tenant', 'aurora')).code).toBe(0);
    expect(await world.json('explain', 'settings/shop/limits', '--tenant', 'aurora')).toMatchObject({
      document: { error: { code: 'PATH_NOT_FOUND', message: expect.stringContaining('/conf/aurora hides') as string } },
    });
    expect((await world.run('overlay', 'restore', 'settings/shop/limits', '--tenant', 'aurora')).code).toBe(0);
    expect((await world.run('overlay', 'reset', 'settings/shop/limits', '--tenant', 'aurora')).stdout).toBe(
      'reset /conf/aurora/settings/shop/limits\n' +
        '  /conf/aurora/settings/shop/limits in the repository; no content folder has a file for it\n',
    );
    expect(await explained()).toContain('@max = "10"  ← /libs\n');
  });

  it('writes /apps for everybody, and the search path', async () => {
    expect((await world.run('overlay', 'set', 'settings/shop/limits', 'max=7', '--layer', '/apps')).code).toBe(0);
    expect((await world.run('get', limits)).stdout).toMatch(/max\s+\{Long\} 7/);
    expect((await world.run('overlay', 'reset', limits)).code).toBe(0);
    expect(await world.json('overlay', 'set', '/libs/base/dialog', 'title=ours')).toMatchObject({
      document: { path: '/apps/base/dialog', layer: '/apps' },
    });
    expect((await world.run('overlay', 'set', '/libs/base/dialog', 'title=base')).code).toBe(0);
  });

  it.each([
    ['no layer', ['overlay', 'set', 'settings/shop/limits', 'max=1'], 'Say which layer'],
    [
      'the product’s own layer',
      ['overlay', 'set', 'settings/shop/limits', 'max=1', '--layer', '/libs'],
      '/libs is what the product brings',
    ],
    [
      'a layer that is none',
      ['overlay', 'hide', 'settings/shop/limits', '--tenant', 'aurora', '--layer', '/etc'],
      'it has /conf/aurora',
    ],
    ['a tenant that is none', ['overlay', 'hide', 'settings/shop/limits', '--tenant', 'none'], 'There is no tenant'],
    ['a tenant on the search path', ['overlay', 'hide', '/libs/base', '--tenant', 'aurora'], 'leave --tenant out'],
    ['nothing to set', ['overlay', 'set', limits], 'say what to set'],
    ['what is no assignment', ['overlay', 'set', limits, 'max'], 'is no assignment'],
    ['a value that does not convert', ['overlay', 'set', limits, 'max=many'], 'does not convert to Long'],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await world.run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('assignments', () => {
  it.each<[typed: string[], values: Record<string, unknown>]>([
    [['a=b=c'], { a: { texts: ['b=c'] } }],
    [['jcr:title=x'], { 'jcr:title': { texts: ['x'] } }],
    [
      ['jcr:created:Date=2022-08-12T17:03:04.195Z'],
      { 'jcr:created': { texts: ['2022-08-12T17:03:04.195Z'], type: 'Date' } },
    ],
    [['n:Long=5'], { n: { texts: ['5'], type: 'Long' } }],
    [['n:Long[]=1,2'], { n: { texts: ['1', '2'], type: 'Long', multiple: true } }],
    [['l[]=a\\,b,c'], { l: { texts: ['a,b', 'c'], multiple: true } }],
    [['l[]='], { l: { texts: [], multiple: true } }],
    [['l=a', 'l=b,c'], { l: { texts: ['a', 'b,c'], multiple: true } }],
    [['e='], { e: { texts: [''] } }],
  ])('%j', (typed, values) => {
    expect(parseAssignments(typed)).toEqual(values);
  });

  it.each(['a', '=x', 'a/b=c', 'x y*=1'])('%s is refused', (typed) => {
    expect(() => parseAssignments([typed])).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});

describe('satchel config and explain', () => {
  it('gets a configuration with the place of each value', async () => {
    await change(async (session) => {
      await session.ensureNode('/conf/aurora/sling:configs/mail', {
        properties: { from: 'aurora', 'sling:configPropertyInherit': true },
      });
    });
    const { stdout } = await world.run('config', 'get', 'mail', '--path', '/content/aurora/x');
    expect(stdout).toContain('● /conf/aurora  /conf/aurora/sling:configs/mail');
    expect(stdout).toContain('○ /conf/global');
    expect(stdout).toContain('@from = "aurora"  ← /conf/aurora, hides /libs/conf "libs"');
    expect(stdout).toContain('@reply = "libs"  ← /libs/conf');
    expect((await world.run('explain', 'mail', '--config', '--for', '/content/aurora/x')).stdout).toBe(stdout);
    expect(await world.json('config', 'get', 'mail', '--path', '/content/aurora')).toMatchObject({
      document: {
        name: 'mail',
        properties: [
          { name: 'from', layer: '/conf/aurora' },
          { name: 'reply', layer: '/libs/conf' },
        ],
      },
    });
  });

  it('lists a collection', async () => {
    const { stdout } = await world.run('config', 'list', 'list', '--path', '/content/aurora');
    expect(stdout).toContain('list/a\n  @n = "1"  ← /libs/conf');
    expect((await world.run('config', 'list', 'none', '--path', '/content/aurora')).stdout).toContain(
      'no place has an item',
    );
  });

  it('says where it looked for a configuration that is nowhere, and refuses a wrong name', async () => {
    const missing = await world.run('config', 'get', 'none', '--path', '/content/aurora');
    expect(missing.stderr).toContain('/conf/aurora/sling:configs/none');
    expect((await world.run('config', 'get', '../x', '--path', '/content/aurora')).stderr).toContain(
      'configuration name',
    );
    expect((await world.run('explain', 'mail', '--config')).stderr).toContain('needs --for');
  });

  it('explains what super types bring', async () => {
    const { stdout } = await world.run('explain', '/apps/part/dialog', '--override');
    expect(stdout).toContain('● /apps/part  /apps/part/dialog');
    expect(stdout).toContain('@title = "mine"  ← /apps/part, hides /libs/base "base"');
    expect(stdout).toContain('@help = "base"  ← /libs/base');
    expect((await world.run('explain', '/apps/none', '--override')).stderr).toContain('No layer');
  });
});
