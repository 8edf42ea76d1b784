/** What a session has not saved: the same as with plain lists, and without looking at all of it for each change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDescendantOrSelf, joinPath } from '../../repository/path.js';
import { PathTree } from '../../repository/path-tree.js';
import { TransientSpace } from '../../repository/session-transient.js';
import type { PendingNode, RemovedSubtree } from '../../repository/session-transient.js';
import { backends, collect, openFor, sessionOf } from './world.js';

const paths = fc
  .array(fc.constantFrom('a', 'b', 'a-b', 'c'), { minLength: 1, maxLength: 4 })
  .map((names) => `/${names.join('/')}`);

function newNode(path: string): PendingNode {
  return {
    path,
    record: { identifier: path, position: undefined, properties: new Map() },
    origin: undefined,
    ensured: false,
  };
}

describe('a transient space', () => {
  it('has what plain lists would have', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), path: paths }),
      fc.record({
        kind: fc.constant('remove' as const),
        path: paths,
        stored: fc.boolean(),
        movedAt: fc.option(fc.nat(9), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant('forgetRemoved' as const), path: paths }),
      fc.record({ kind: fc.constant('clear' as const) }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(paths), (changes, asked) => {
        const space = new TransientSpace();
        let pending: string[] = [];
        let removed: RemovedSubtree[] = [];
        for (const each of changes) {
          if (each.kind === 'put') {
            space.put(newNode(each.path));
            pending = [...pending.filter((path) => path !== each.path), each.path];
          } else if (each.kind === 'remove') {
            const { path, stored, movedAt } = each;
            space.remove(path, stored, movedAt);
            const isWithin = (other: string) => isDescendantOrSelf(other, path);
            pending = pending.filter((other) => !isWithin(other));
            if (!stored) continue;
            removed = removed.filter(
              (other) => other.path !== path && (other.movedAt !== undefined || !isWithin(other.path)),
            );
            removed.push({ path, movedAt });
          } else if (each.kind === 'forgetRemoved') {
            space.forgetRemoved(each.path);
            removed = removed.filter(({ path }) => path !== each.path);
          } else {
            space.clear();
            [pending, removed] = [[], []];
          }
        }
        const below = (path: string) => pending.filter((other) => other !== path && isDescendantOrSelf(other, path));
        const isChild = (path: string, parent: string) =>
          joinPath(parent, path.slice(path.lastIndexOf('/') + 1)) === path;
        expect(
          space
            .nodes()
            .map(({ path }) => path)
            .toSorted(),
        ).toEqual(pending.toSorted());
        expect(sorted(space.removedSubtrees())).toEqual(sorted(removed));
        for (const path of ['/', ...asked]) {
          expect(
            space
              .below(path)
              .map((node) => node.path)
              .toSorted(),
          ).toEqual(below(path).toSorted());
          const children = below(path).filter((other) => isChild(other, path));
          expect(
            space
              .childrenOf(path)
              .map((node) => node.path)
              .toSorted(),
          ).toEqual(children.toSorted());
          expect(space.isRemoved(path)).toBe(removed.some((subtree) => isDescendantOrSelf(path, subtree.path)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('looks at what lies below a path to remove it, and at nothing else', () => {
    fc.assert(
      fc.property(fc.array(paths), fc.array(paths), (added, taken) => {
        const tree = new PathTree(added);
        // Each path of the tree is looked at once, when it goes; a path that is not there costs one look.
        const looked = taken.flatMap((path) => tree.take(path));
        const nodes = new Set(added.flatMap(ancestors));
        expect(looked.length).toBeLessThanOrEqual(nodes.size + taken.length);
        for (const path of taken) expect(tree.below(path)).toEqual([]);
      }),
    );
  });

  it('takes 10,000 removals with 10,000 looks, and as many for the parent of all', () => {
    const tree = new PathTree();
    let looks = 0;
    for (let index = 0; index < 10_000; index++) {
      const path = `/folder/n${index}`;
      looks += tree.take(path).length;
      tree.add(path);
    }
    expect(looks).toBe(10_000);
    expect(tree.take('/folder')).toHaveLength(10_001);
    expect(tree.take('/folder')).toHaveLength(1);
  });
});

/** The store in memory looks at all of its keys for each range, so it is left out. */
describe.each(Object.entries(backends).filter(([name]) => name !== 'memory'))(
  '10,000 removals in one save on %s',
  (_name, open) => {
    it('are all done, and nothing else', async () => {
      const session = await sessionOf(await openFor(open));
      await session.addNode('/folder', { primaryType: 'sling:Folder' });
      for (let index = 0; index < 10_010; index++) await session.addNode(`/folder/n${index}`);
      await session.save();
      for (let index = 0; index < 10_000; index++) await session.remove(`/folder/n${index}`);
      expect((await collect(session.children('/folder'))).map(({ name }) => name)).toEqual(remaining);
      await session.save();
      expect((await collect(session.children('/folder'))).map(({ name }) => name)).toEqual(remaining);
    });
  },
);

const remaining = Array.from({ length: 10 }, (_, index) => `n${10_000 + index}`);

function ancestors(path: string): string[] {
  const names = path.split('/').slice(1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

function sorted(removed: readonly RemovedSubtree[]): RemovedSubtree[] {
  return removed.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
