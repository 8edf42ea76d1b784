/** Nodes without children are marked, so that nobody looks for any: whoever adds the first one takes the mark away. */
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { collect, namesOf, sessionOf } from './world.js';
import { openOver, storeBackends } from '../maintenance/world.js';

describe.each(Object.entries(storeBackends))('first children on %s', (_name, open) => {
  /** Two repositories on one store, as two processes have them, each with a session that has read the leaf. */
  async function openWorld() {
    const stores = await open();
    const repositories = [await openOver(stores), await openOver(stores)] as const;
    const [writer, other] = [await sessionOf(repositories[0]), await sessionOf(repositories[1])];
    await writer.addNode('/leaf', { properties: { x: 1 } });
    await writer.addNode('/elsewhere');
    await writer.addNode('/elsewhere/moved');
    await writer.addNode('/elsewhere/moved/deep');
    await writer.save();
    await other.refresh();
    expect(await childrenOf(writer)).toEqual([]);
    expect(await childrenOf(other)).toEqual([]);
    const expectWhole = async () => {
      expect(await collect(checkRepository(stores))).toEqual([]);
    };
    return { repositories, writer, other, expectWhole };
  }
  const childrenOf = async (session: Session, path = '/leaf') => namesOf(session.children(path));

  it('show to sessions that knew the node as a leaf, once these are at the commit, and not before', async () => {
    const { writer, other, expectWhole } = await openWorld();
    await writer.addNode('/leaf/first');
    expect(await childrenOf(writer)).toEqual(['first']);
    await writer.save();
    expect(await childrenOf(writer)).toEqual(['first']);
    expect(await childrenOf(other)).toEqual([]);
    await other.refresh();
    expect(await childrenOf(other)).toEqual(['first']);
    expect((await collect(other.descendants('/'))).map(({ path }) => path)).toContain('/leaf/first');
    await expectWhole();
  });

  it('of two sessions both stay, and so does a property that a third one set', async () => {
    const { repositories, writer, other, expectWhole } = await openWorld();
    const third = await sessionOf(repositories[1]);
    await writer.addNode('/leaf/one');
    await other.addNode('/leaf/two');
    await third.setProperties('/leaf', { x: 2 });
    for (const session of [writer, other, third]) await session.save();
    for (const session of [writer, other, third]) {
      await session.refresh();
      expect((await childrenOf(session)).sort()).toEqual(['one', 'two']);
      expect((await session.getNode('/leaf')).number('x')).toBe(2);
    }
    await expectWhole();
  });

  it('are added to a node that the same save changes, moves or has just made', async () => {
    const { writer, other, expectWhole } = await openWorld();
    await writer.setProperties('/leaf', { x: 3 });
    await writer.addNode('/leaf/child');
    await writer.move('/elsewhere/moved', '/leaf/child/moved');
    await writer.addNode('/leaf/child/moved/deep/deeper');
    await writer.save();
    await other.refresh();
    const below = (await collect(other.descendants('/leaf'))).map(({ path }) => path);
    expect(below).toEqual(
      ['child', 'child/moved', 'child/moved/deep', 'child/moved/deep/deeper'].map((path) => `/leaf/${path}`),
    );
    expect(await childrenOf(other, '/elsewhere')).toEqual([]);
    await expectWhole();
  });

  it('come back after the node was removed with them and made anew', async () => {
    const { writer, other, expectWhole } = await openWorld();
    await writer.addNode('/leaf/child');
    await writer.save();
    await writer.remove('/leaf');
    await writer.addNode('/leaf');
    expect(await childrenOf(writer)).toEqual([]);
    await writer.save();
    await other.refresh();
    expect(await childrenOf(other)).toEqual([]);
    await other.addNode('/leaf/again');
    await other.save();
    await writer.refresh();
    expect(await childrenOf(writer)).toEqual(['again']);
    await expectWhole();
  });

  it('of a node that is removed meanwhile are a conflict that names it', async () => {
    const { writer, other, expectWhole } = await openWorld();
    await other.addNode('/leaf/late');
    await writer.remove('/leaf');
    await writer.save();
    await expect(other.save()).rejects.toMatchObject({ code: 'CONFLICT', paths: ['/leaf'] });
    await expectWhole();
  });
});
