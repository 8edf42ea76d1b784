import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    for (const name of ['a', 'b', 'c']) {
      await session.ensureNode(`/content/dam/${name}`, { primaryType: 'dam:Asset' });
    }
    await session.save();
  });
});
afterAll(async () => world.close());

const assets = 'path=/content/dam&type=dam:Asset&p.limit=2';

describe('satchel query', () => {
  it('lists the paths of hits', async () => {
    const { code, stdout, stderr } = await world.run('query', assets, '--explain');
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual(['/content/dam/a', '/content/dam/b', '']);
    expect(stderr).toContain('2 of 3');
    expect(stderr).toContain('nodes looked at');
  });
  it('answers in the shape of querybuilder.json with --json', async () => {
    const { document } = await world.json('query', `${assets}&p.offset=1`);
    expect(document).toEqual({
      success: true,
      hits: ['b', 'c'].map((name) => ({ path: `/content/dam/${name}`, name, primaryType: 'dam:Asset' })),
      results: 2,
      total: 3,
      more: false,
      offset: 1,
    });
  });
  it('names a parameter that is not known', async () => {
    const { code, document } = await world.json('query', 'pth=/content');
    expect({ code, document }).toMatchObject({ code: 2, document: { error: { code: 'INVALID_QUERY' } } });
  });
});

describe('satchel index', () => {
  it('lists indexes and builds one from scratch', async () => {
    const { stdout } = await world.run('index', 'list');
    expect(stdout).toMatch(/^nodetype +ready +property +jcr:mixinTypes, jcr:primaryType$/m);
    expect((await world.json('index', 'rebuild', 'nodetype')).document).toEqual({ name: 'nodetype', phase: 'ready' });
    expect((await world.json('index', 'rebuild', 'none')).document).toMatchObject({
      error: { code: 'PATH_NOT_FOUND' },
    });
  });
  it('marks a definition that was changed here', async () => {
    await world.satchel.repository.withSession(adminUser, async (session) => {
      await session.setProperties('/oak:index/created', { includedPaths: ['/content'] });
      await session.addNode('/oak:index/mine', { properties: { type: 'property', propertyNames: ['mine'] } });
      await session.save();
    });
    expect((await world.run('index', 'list')).stdout).toMatch(/^created \(changed here\) /m);
    const { indexes } = (await world.json('index', 'list')).document as { indexes: { name: string; origin: string }[] };
    const originOf = (wanted: string) => indexes.find(({ name }) => name === wanted)?.origin;
    expect(['created', 'tags', 'mine'].map(originOf)).toEqual(['changed', 'shipped', 'own']);
  });
  it('is rebuilt by administrators only', async () => {
    await world.run('user', 'add', 'ada', '--email', 'ada@example.com');
    const { document } = await world.json('index', 'rebuild', 'nodetype', '--as', 'ada');
    expect(document).toMatchObject({ error: { code: 'NOT_ALLOWED' } });
  });
});
