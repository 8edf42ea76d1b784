import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    for (const name of ['a', 'b']) await session.ensureNode(`/content/dam/${name}`, { primaryType: 'dam:Asset' });
    await session.save();
  });
});
afterAll(async () => world.close());

describe('satchel collection', () => {
  it('makes a collection, adds to it and lists it in order', async () => {
    const path = '/content/dam/collections/mara/lookbook';
    expect(await world.json('collection', 'create', 'mara/lookbook', '--title', 'Lookbook')).toEqual({
      code: 0,
      document: { path, title: 'Lookbook' },
    });
    expect((await world.run('collection', 'add', path, '/content/dam/b', '/content/dam/a')).code).toBe(0);
    expect((await world.run('collection', 'list', path)).stdout).toBe('/content/dam/b\n/content/dam/a\n');
    expect((await world.json('collection', 'list', path)).document).toEqual({
      path,
      members: ['/content/dam/b', '/content/dam/a'],
    });
  });

  it('takes a path below the folder of collections for a name, and no other path', async () => {
    const path = '/content/dam/collections/by-path';
    expect((await world.json('collection', 'create', path)).document).toEqual({ path });
    expect(await world.json('collection', 'create', '/content/dam/elsewhere')).toMatchObject({
      code: 2,
      document: { error: { code: 'INVALID_REQUEST' } },
    });
  });

  it.each([
    ['CONSTRAINT_VIOLATION', '/content/dam', '/content/dam/a'],
    ['PATH_NOT_FOUND', '/content/dam/collections/none', '/content/dam/a'],
  ])('answers %s to adding where there is no collection', async (code, collection, path) => {
    expect(await world.json('collection', 'add', collection, path)).toMatchObject({
      code: 2,
      document: { error: { code } },
    });
  });
});
