import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grant } from '../../repository/access/policy.js';
import type { Session } from '../../repository/api.js';
import { createUser } from '../../repository/users.js';
import type { Property } from '../../repository/value.js';
import { backends, collect, openFor, sessionOf } from './world.js';

const hard = (...values: string[]): Property => ({ type: 'Reference', multiple: values.length > 1, values });
const weak = (...values: string[]): Property => ({ type: 'WeakReference', multiple: values.length > 1, values });

const referrers = async (session: Session, path: string): Promise<string[]> =>
  (await collect(session.references(path))).map(
    (reference) => `${reference.path}/${reference.property}${reference.weak ? ' weak' : ''}`,
  );

describe.each(Object.entries(backends))('references on %s', (_name, open) => {
  const withNodes = async (...paths: string[]) => {
    const repository = await openFor(open);
    const session = await sessionOf(repository);
    for (const path of paths) await session.addNode(path);
    await session.save();
    const identifierOf = async (path: string) => (await session.getNode(path)).identifier;
    return { repository, session, identifierOf };
  };

  it('are listed with their properties, before and after they are saved', async () => {
    const { session, identifierOf } = await withNodes('/target', '/other', '/a', '/b');
    const [target, other] = [await identifierOf('/target'), await identifierOf('/other')];
    await session.setProperties('/a', { one: hard(target), two: weak(target), three: hard(other) });
    await session.setProperties('/b', { many: hard(other, target), none: 'text' });
    for (const saved of [false, true]) {
      if (saved) await session.save();
      expect((await referrers(session, '/target')).toSorted()).toEqual(['/a/one', '/a/two weak', '/b/many']);
      expect((await referrers(session, '/other')).toSorted()).toEqual(['/a/three', '/b/many']);
    }
    await session.setProperties('/a', { one: null });
    await session.setProperties('/b', { many: hard(other) });
    for (const saved of [false, true]) {
      if (saved) await session.save();
      expect(await referrers(session, '/target')).toEqual(['/a/two weak']);
    }
    expect(await referrers(session, '/missing')).toEqual([]);
  });

  it('follow their node and their target when these are moved, and go with their node', async () => {
    const { session, identifierOf } = await withNodes('/target', '/a', '/a/b');
    await session.setProperties('/a/b', { ref: hard(await identifierOf('/target')) });
    await session.save();
    await session.move('/a', '/moved');
    expect(await referrers(session, '/target')).toEqual(['/moved/b/ref']);
    await session.save();
    await session.move('/target', '/moved/target');
    await session.save();
    expect(await referrers(session, '/moved/target')).toEqual(['/moved/b/ref']);
    await session.remove('/moved/b');
    await session.save();
    expect(await referrers(session, '/moved/target')).toEqual([]);
  });

  it('keep their target from being removed, alone or with an ancestor, unless they are weak', async () => {
    const { session, identifierOf } = await withNodes('/p', '/p/target', '/a');
    const target = await identifierOf('/p/target');
    await session.setProperties('/a', { ref: hard(target) });
    await session.save();
    for (const path of ['/p/target', '/p']) {
      await session.remove(path);
      await expect(session.save()).rejects.toMatchObject({
        code: 'CONSTRAINT_VIOLATION',
        paths: ['/p/target', '/a'],
        message: expect.stringContaining('/a') as string,
      });
      await session.refresh();
    }
    await session.setProperties('/a', { ref: weak(target) });
    await session.save();
    await session.remove('/p');
    await session.save();
    expect(await session.findNode('/p')).toBeUndefined();
    expect((await session.getNode('/a')).text('ref')).toBe(target);
  });

  it('do not stand in the way of a save that removes or changes them too', async () => {
    const { session, identifierOf } = await withNodes('/p', '/p/target', '/p/inside', '/a', '/b');
    const ref = hard(await identifierOf('/p/target'));
    for (const path of ['/p/inside', '/a', '/b']) await session.setProperties(path, { ref });
    await session.save();
    await session.remove('/p');
    await session.remove('/a');
    await session.setProperties('/b', { ref: null });
    await session.save();
    expect(await session.findNode('/p/target')).toBeUndefined();
  });

  it('of the same save to a node it removes are refused', async () => {
    const { session, identifierOf } = await withNodes('/target', '/a');
    await session.setProperties('/a', { ref: hard(await identifierOf('/target')) });
    await session.remove('/target');
    await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
  });

  it('keep a target among many that go at once', async () => {
    const names = Array.from({ length: 150 }, (_, index) => `/many/n${index}`);
    const { session, identifierOf } = await withNodes('/many', ...names, '/a');
    await session.setProperties('/a', { ref: hard(await identifierOf('/many/n77')) });
    await session.save();
    await session.remove('/many');
    await expect(session.save()).rejects.toMatchObject({ paths: ['/many/n77', '/a'] });
    await session.setProperties('/a', { ref: null });
    await session.save();
    expect(await session.findNode('/many')).toBeUndefined();
  });

  it('win or lose against a removal at the same moment, never both', async () => {
    const { repository, session, identifierOf } = await withNodes('/target', '/a');
    const target = await identifierOf('/target');
    const [referring, removing] = [await sessionOf(repository), await sessionOf(repository)];
    await referring.setProperties('/a', { ref: hard(target) });
    await removing.remove('/target');
    const results = await Promise.allSettled([referring.save(), removing.save()]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await session.refresh();
    const refers = (await session.getNode('/a')).text('ref') === target;
    expect((await session.findNode('/target')) !== undefined).toBe(refers);
  });

  it.each(['referring', 'removing'] as const)(
    'are seen by the save that comes second when %s is first',
    async (first) => {
      const { repository, identifierOf } = await withNodes('/target', '/a');
      const [referring, removing] = [await sessionOf(repository), await sessionOf(repository)];
      await referring.setProperties('/a', { ref: hard(await identifierOf('/target')) });
      await removing.remove('/target');
      const [one, two] = first === 'referring' ? [referring, removing] : [removing, referring];
      await one.save();
      await expect(two.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    },
  );

  it('from nodes a user may not read are not named to them', async () => {
    const { repository, session, identifierOf } = await withNodes('/open', '/open/target', '/secret');
    await session.setProperties('/secret', { ref: hard(await identifierOf('/open/target')) });
    await createUser(session, { id: 'ada' });
    await grant(session, '/open', 'ada', ['jcr:read', 'rep:write']);
    await session.save();
    const ada = await sessionOf(repository, 'ada');
    expect(await referrers(ada, '/open/target')).toEqual([]);
    await ada.remove('/open/target');
    const refused = ada.save();
    await expect(refused).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION', paths: ['/open/target'] });
    await expect(refused).rejects.not.toThrow(/secret/);
    await expect(refused).rejects.toThrow(/other nodes refer/);
  });

  it('are kept in step with whatever is saved', async () => {
    const names = ['/r/a', '/r/b', '/r/c'];
    const { session } = await withNodes('/r', ...names);
    const name = fc.constantFrom(...names);
    const step = fc.oneof(
      fc.record({ at: name, to: name, strong: fc.boolean() }),
      fc.record({ at: name, to: fc.constant(undefined), strong: fc.constant(false) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        for (const { at, to, strong } of steps) {
          const target = to === undefined ? undefined : (await session.getNode(to)).identifier;
          const ref = target === undefined ? null : strong ? hard(target) : weak(target);
          await session.setProperties(at, { ref });
          await session.save();
        }
        for (const target of names) {
          const { identifier } = await session.getNode(target);
          const expected: string[] = [];
          for (const path of names) {
            const property = (await session.getNode(path)).property('ref');
            if (property?.values[0] === identifier) {
              expected.push(`${path}/ref${property.type === 'WeakReference' ? ' weak' : ''}`);
            }
          }
          expect(await referrers(session, target)).toEqual(expected);
        }
      }),
      { numRuns: 20 },
    );
  });
});
