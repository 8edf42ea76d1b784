import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendedPosition, positionBetween } from '../../repository/child-position.js';
import { childrenRange, nodeKey, pathOfNodeKey, subtreeRanges } from '../../repository/keys.js';
import { NodeTypeRegistry } from '../../repository/node-types/registry.js';
import {
  assertPath,
  isDescendantOrSelf,
  joinPath,
  nameOf,
  nameProblem,
  parentOf,
  selfAndAncestors,
} from '../../repository/path.js';
import { inKeyOrder } from '../../repository/session-transient.js';
import { compareKeys, isInRange } from '../../repository/store/key-order.js';

const name = fc
  .string({ unit: fc.constantFrom('a', 'b', '-', '.', '0', ' ', 'é', '\uff5e', '😀', ':'), minLength: 1, maxLength: 4 })
  .filter((text) => nameProblem(text) === undefined);
const path = fc.array(name, { maxLength: 4 }).map((names) => `/${names.join('/')}`);

describe('names', () => {
  it.each(['a', 'jcr:content', 'a b', 'x.jpg', 'ü', '😀', '...', 'a'.repeat(255)])('%j is one', (text) => {
    expect(nameProblem(text)).toBeUndefined();
  });

  it.each(['', '.', '..', 'a/b', 'a[1]', 'a|b', 'a*b', ':a', 'a:', 'a:b:c', ' a', 'a ', 'a\n', 'a\u0000', '\ud800'])(
    '%j is none',
    (text) => {
      expect(nameProblem(text)).toBeDefined();
    },
  );

  it('are bounded in bytes, not characters', () => {
    expect(nameProblem('é'.repeat(127))).toBeUndefined();
    expect(nameProblem('é'.repeat(128))).toBeDefined();
  });
});

describe('paths', () => {
  it('are parent and name', () => {
    fc.assert(
      fc.property(path, name, (parent, child) => {
        const joined = assertPath(joinPath(parent, child));
        expect(parentOf(joined)).toBe(parent);
        expect(nameOf(joined)).toBe(child);
        expect(isDescendantOrSelf(joined, parent)).toBe(true);
        expect(isDescendantOrSelf(parent, joined)).toBe(false);
        expect([...selfAndAncestors(joined)].at(0)).toBe(joined);
        expect([...selfAndAncestors(joined)].at(-1)).toBe('/');
      }),
    );
  });

  it('are as good as their names, whatever these are made of', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'B', '9', '_', '-', '.', ':', ' ', '*', 'é'), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (names) => {
        const joined = `/${names.join('/')}`;
        fc.pre(joined !== '/');
        if (names.every((text) => nameProblem(text) === undefined)) expect(assertPath(joined)).toBe(joined);
        else expect(() => assertPath(joined)).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }));
      }),
      { numRuns: 1000 },
    );
  });

  it('hold names of up to 255 bytes and are of up to 2,048', () => {
    const longest = 'a'.repeat(255);
    expect(assertPath(`/${longest}`)).toHaveLength(256);
    expect(() => assertPath(`/${longest}a`)).toThrow('255 bytes');
    expect(assertPath(`/${longest}`.repeat(8))).toHaveLength(2048);
    expect(() => assertPath(`${`/${longest}`.repeat(8)}/b`)).toThrow('2048 bytes');
  });

  it('with control characters are shown with visible escapes in errors', () => {
    expect(() => assertPath('/a\n[error] forged')).toThrow('/a\\u000a[error] forged');
  });
});

describe('keys', () => {
  it('lead back to their paths, and no two paths share one', () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(pathOfNodeKey(nodeKey(a))).toBe(a);
        expect(nodeKey(a) === nodeKey(b)).toBe(a === b);
      }),
    );
  });

  it('of children lie in one range, those of descendants in two, and of no other node', () => {
    fc.assert(
      fc.property(
        path,
        fc.oneof(
          path,
          fc.tuple(path, path).map(([a, b]) => joinPath(a, b.slice(1))),
        ),
        (a, b) => {
          const key = nodeKey(b);
          expect(isInRange(key, childrenRange(a))).toBe(parentOf(b) === a);
          const ranges = subtreeRanges(a).filter((range) => isInRange(key, range));
          expect(ranges).toHaveLength(a !== b && isDescendantOrSelf(b, a) ? 1 : 0);
        },
      ),
    );
  });

  it('are in the order of their bytes, parents before children', () => {
    fc.assert(
      fc.property(path, path, name, (a, b, child) => {
        const [left, right] = [nodeKey(a), nodeKey(b)];
        expect(Math.sign(compareKeys(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
        expect(compareKeys(nodeKey(a), nodeKey(joinPath(a, child)))).toBeLessThan(0);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

describe('nodes', () => {
  it('are sorted by the bytes of their keys', () => {
    fc.assert(
      fc.property(fc.uniqueArray(path), (paths) => {
        const byBytes = paths.toSorted((a, b) => Buffer.compare(Buffer.from(nodeKey(a)), Buffer.from(nodeKey(b))));
        expect(inKeyOrder(paths.map((each) => ({ path: each }))).map((node) => node.path)).toEqual(byBytes);
      }),
    );
  });
});

describe('child positions', () => {
  it('appended later, or by a session that saw more, come later', () => {
    const moment = fc.tuple(fc.nat(), fc.nat());
    fc.assert(
      fc.property(moment, moment, ([s1, c1], [s2, c2]) => {
        const expected = Math.sign(s1 - s2 || c1 - c2);
        expect(Math.sign(compareKeys(appendedPosition(s1, c1), appendedPosition(s2, c2)))).toBe(expected);
      }),
    );
  });

  it('always leave room between two', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.array(fc.nat(1000), { maxLength: 60 }), (sequence, inserts) => {
        const positions = [appendedPosition(sequence, 0), appendedPosition(sequence, 1)];
        for (const insert of inserts) {
          const index = insert % positions.length;
          positions.splice(index, 0, positionBetween(positions[index - 1], positions[index] ?? ''));
        }
        expect(positions.toSorted(compareKeys)).toEqual(positions);
        expect(new Set(positions).size).toBe(positions.length);
        expect(positions.filter((position) => position.endsWith('0'))).toEqual([]);
      }),
    );
  });
});

describe('node types', () => {
  const types = new NodeTypeRegistry({ namespaces: new Map(), types: [] });

  it.each([
    ['nt:unstructured', true],
    ['sling:OrderedFolder', true],
    ['rep:ACL', true],
    ['satchel:WorkflowModel', true],
    ['acme:Unknown', true],
    ['nt:folder', false],
    ['nt:file', false],
    ['sling:Folder', false],
  ])('%s has ordered children: %s', (type, orderable) => {
    expect(types.isOrderable(type)).toBe(orderable);
  });

  it('inherit from supertypes and mixins', () => {
    expect(types.isNodeType('sling:OrderedFolder', [], 'nt:folder')).toBe(true);
    expect(types.isNodeType('nt:folder', [], 'sling:Folder')).toBe(false);
    expect(types.isNodeType('nt:unstructured', ['mix:versionable'], 'mix:referenceable')).toBe(true);
    expect(types.isNodeType('acme:Unknown', [], 'nt:base')).toBe(true);
    expect(types.isNodeType('acme:Unknown', [], 'nt:folder')).toBe(false);
  });
});
