import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Repository, Session } from '../../repository/api.js';
import type { FrozenNode, VersionDifference } from '../../repository/versions/api.js';
import { backends, collect, openFor, sessionOf } from './world.js';

const root = '/work';
const names = ['a', 'b', 'c', 'd'] as const;
/** Types with and without an order of children. */
const types = ['nt:unstructured', 'sling:Folder', 'sling:OrderedFolder', 'oak:Unstructured'] as const;

type Edit =
  | { readonly kind: 'add'; readonly parent: number; readonly name: string; readonly type: string }
  | { readonly kind: 'remove' | 'last'; readonly node: number }
  | { readonly kind: 'set'; readonly node: number; readonly name: string; readonly value: SetValue }
  | { readonly kind: 'move'; readonly node: number; readonly parent: number; readonly name: string }
  | { readonly kind: 'before'; readonly node: number; readonly sibling: number }
  | { readonly kind: 'version' };
type SetValue = string | number | boolean | null | readonly string[] | { readonly bytes: number };

const index = fc.nat(30);
const value: fc.Arbitrary<SetValue> = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.string(), { maxLength: 3 }),
  // Kept in the node, and in a blob of its own.
  fc.record({ bytes: fc.constantFrom(0, 10, 5000) }),
);
const name = fc.constantFrom(...names);
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('add' as const), parent: index, name, type: fc.constantFrom(...types) }),
    fc.record({ kind: fc.constantFrom('remove' as const, 'last' as const), node: index }),
    fc.record({ kind: fc.constant('set' as const), node: index, name: fc.constantFrom('x', 'y', '__proto__'), value }),
    fc.record({ kind: fc.constant('move' as const), node: index, parent: index, name }),
    fc.record({ kind: fc.constant('before' as const), node: index, sibling: index }),
    fc.record({ kind: fc.constant('version' as const) }),
  ),
  { minLength: 5, maxLength: 40 },
);

/** What an edit cannot do to the tree as it is, it leaves. */
async function apply(session: Session, edit: Exclude<Edit, { kind: 'version' }>): Promise<void> {
  const paths = [root, ...(await collect(session.descendants(root))).map(({ path }) => path)];
  const at = (position: number) => paths[position % paths.length] ?? root;
  try {
    switch (edit.kind) {
      case 'add':
        await session.addNode(`${at(edit.parent)}/${edit.name}`, { primaryType: edit.type });
        break;
      case 'set':
        await session.setProperties(at(edit.node), { [edit.name]: await propertyOf(session, edit.value) });
        break;
      case 'move':
        if (at(edit.node) !== root) await session.move(at(edit.node), `${at(edit.parent)}/${edit.name}`);
        break;
      case 'remove':
        if (at(edit.node) !== root) await session.remove(at(edit.node));
        break;
      case 'last':
        if (at(edit.node) !== root) await session.orderBefore(at(edit.node), undefined);
        break;
      case 'before':
        if (at(edit.node) !== root) {
          const sibling = at(edit.sibling);
          await session.orderBefore(at(edit.node), sibling.slice(sibling.lastIndexOf('/') + 1));
        }
    }
  } catch (error) {
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(ITEM_EXISTS|CONSTRAINT_VIOLATION|PATH_NOT_FOUND)$/) as string,
    });
  }
}

async function propertyOf(session: Session, given: SetValue) {
  if (typeof given !== 'object' || given === null || !('bytes' in given)) return given;
  return session.createBinary(Buffer.alloc(given.bytes, given.bytes));
}

/** A node as both a session and a version show it, without what checking in and out changes. */
interface Shown {
  readonly path: string;
  readonly identifier: string;
  readonly properties: readonly [string, unknown][];
}

function shown(path: string, node: FrozenNode['node']): Shown {
  const properties = [...node.properties]
    .filter(([property]) => property !== 'jcr:isCheckedOut')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { path, identifier: node.identifier, properties };
}

async function currentState(session: Session): Promise<Shown[]> {
  const nodes = await collect(session.descendants(root));
  return [
    shown('', await session.getNode(root)),
    ...nodes.map((node) => shown(node.path.slice(root.length + 1), node)),
  ];
}

async function frozenState(session: Session, version: string): Promise<Shown[]> {
  const frozen = await collect(session.versions.frozen(await session.versions.version(root, version)));
  return frozen.map(({ relativePath, node }) => shown(relativePath, node));
}

async function binariesOf(session: Session, state: readonly Shown[]): Promise<Buffer[]> {
  const contents: Buffer[] = [];
  for (const { properties } of state) {
    for (const [, property] of properties as [string, { type: string; values: unknown[] }][]) {
      if (property.type !== 'Binary') continue;
      contents.push(Buffer.from(await session.readBinary(property.values[0] as never)));
    }
  }
  return contents;
}

interface Model {
  readonly identifier: string;
  parent: string | undefined;
  name: string;
  properties: Map<string, unknown>;
}

/** The differences applied to one state, all at once, as their documentation says. */
function applied(state: readonly Shown[], differences: readonly VersionDifference[]): Outcome {
  const idsBefore = new Map(state.map(({ path, identifier }) => [path, identifier]));
  const nodes = new Map<string, Model>();
  const children = new Map<string, string[]>();
  const split = (path: string): [string, string] => {
    const slash = path.lastIndexOf('/');
    return [slash < 0 ? '' : path.slice(0, slash), path.slice(slash + 1)];
  };
  const enter = (parent: string, identifier: string) =>
    children.set(parent, [...(children.get(parent) ?? []), identifier]);
  const leave = (parent: string, identifier: string) =>
    children.set(
      parent,
      (children.get(parent) ?? []).filter((child) => child !== identifier),
    );
  for (const { path, identifier, properties } of state) {
    const [parentPath, nodeName] = split(path);
    const parent = path === '' ? undefined : idsBefore.get(parentPath);
    nodes.set(identifier, { identifier, parent, name: nodeName, properties: new Map(properties) });
    if (parent !== undefined) enter(parent, identifier);
  }
  const pathOf = (identifier: string): string => {
    const node = nodes.get(identifier);
    if (node?.parent === undefined) return '';
    const parent = pathOf(node.parent);
    return parent === '' ? node.name : `${parent}/${node.name}`;
  };
  // Parents come first, so the places of the second state are known when they are needed.
  const placed = new Map<string, string>();
  const identifierAt = (path: string): string =>
    placed.get(path) ?? [...nodes.keys()].find((identifier) => pathOf(identifier) === path) ?? '';
  for (const difference of differences) {
    if (difference.kind === 'nodeRemoved') {
      const identifier = idsBefore.get(difference.relativePath) ?? '';
      leave(nodes.get(identifier)?.parent ?? '', identifier);
      nodes.delete(identifier);
    } else if (difference.kind === 'nodeAdded' || difference.kind === 'nodeMoved') {
      const [parentPath, nodeName] = split(difference.relativePath);
      const parent = identifierAt(parentPath);
      if (difference.kind === 'nodeAdded') {
        const { identifier, properties } = shown('', difference.node);
        nodes.set(identifier, { identifier, parent, name: nodeName, properties: new Map(properties) });
        placed.set(difference.relativePath, identifier);
        enter(parent, identifier);
      } else {
        const identifier = idsBefore.get(difference.from) ?? '';
        const node = nodes.get(identifier);
        if (!node) throw new Error(`nothing moved from ${difference.from}`);
        if (node.parent !== parent) {
          leave(node.parent ?? '', identifier);
          enter(parent, identifier);
        }
        Object.assign(node, { parent, name: nodeName });
        placed.set(difference.relativePath, identifier);
      }
    } else if (difference.kind === 'propertiesChanged') {
      const node = nodes.get(identifierAt(difference.relativePath));
      for (const { name: property, before, after } of difference.properties) {
        expect(node?.properties.get(property)).toEqual(before);
        if (after) node?.properties.set(property, after);
        else node?.properties.delete(property);
      }
    } else {
      const parent = identifierAt(difference.relativePath);
      const listed = difference.children.map((child) =>
        identifierAt(difference.relativePath === '' ? child : `${difference.relativePath}/${child}`),
      );
      children.set(parent, [...(children.get(parent) ?? []).filter((child) => !listed.includes(child)), ...listed]);
    }
  }
  const result = [...nodes.values()].map(({ identifier, properties }) => ({
    path: pathOf(identifier),
    identifier,
    properties: [...properties].sort(([a], [b]) => (a < b ? -1 : 1)),
  }));
  const order = new Map<string, readonly string[]>();
  for (const [parent, list] of children) if (list.length > 0 && nodes.has(parent)) order.set(pathOf(parent), list);
  return { nodes: byPath(result), order: ordered(result, order) };
}

interface Outcome {
  readonly nodes: readonly Shown[];
  /** Identifiers of children, in order, by the path of a parent whose type has an order. */
  readonly order: readonly [string, readonly string[]][];
}

function outcomeOf(state: readonly Shown[]): Outcome {
  const identifiers = new Map<string, string[]>();
  for (const { path, identifier } of state) {
    if (path === '') continue;
    const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
    identifiers.set(parent, [...(identifiers.get(parent) ?? []), identifier]);
  }
  return { nodes: byPath(state), order: ordered(state, identifiers) };
}

function ordered(state: readonly Shown[], children: ReadonlyMap<string, readonly string[]>): Outcome['order'] {
  return byPath(state).flatMap(({ path, properties }): [string, readonly string[]][] => {
    const type = new Map(properties).get('jcr:primaryType') as { readonly values: readonly string[] };
    const list = children.get(path);
    return list && ['nt:unstructured', 'sling:OrderedFolder'].includes(type.values[0] ?? '') ? [[path, list]] : [];
  });
}

function byPath(state: readonly Shown[]): Shown[] {
  return [...state].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function openWork(open: () => Promise<Repository>): Promise<Session> {
  const session = await sessionOf(await openFor(open));
  await session.addNode(root, { mixins: ['mix:versionable'] });
  await session.save();
  return session;
}

describe.each(Object.entries(backends))('any edits between versions on %s', (backend, open) => {
  const numRuns = backend === 'memory' ? 60 : 20;

  it('restore exactly what was frozen, and diff from any version to any other', async () => {
    const session = await openWork(open);
    await fc.assert(
      fc.asyncProperty(edits, async (sequence) => {
        await session.refresh();
        await session.remove(root);
        await session.save();
        await session.addNode(root, { mixins: ['mix:versionable'] });
        await session.save();
        const states = new Map<string, Shown[]>();
        for (const edit of [...sequence, { kind: 'version' } as const]) {
          if (edit.kind !== 'version') {
            await apply(session, edit);
            continue;
          }
          await session.save();
          states.set(await session.versions.checkpoint(root), await currentState(session));
        }
        for (const [version, state] of states) {
          expect(await frozenState(session, version)).toEqual(state);
          const from = await session.versions.version(root, version);
          expect(await collect(session.versions.diff(from, from))).toEqual([]);
          for (const [other, target] of states) {
            const to = await session.versions.version(root, other);
            const differences = await collect(session.versions.diff(from, to));
            expect(applied(state, differences)).toEqual(outcomeOf(target));
          }
        }
        const binaries = new Map<string, Buffer[]>();
        for (const [version, state] of states) binaries.set(version, await binariesOf(session, state));
        for (const [version, state] of states) {
          await session.versions.restore(root, version);
          expect(await currentState(session)).toEqual(state);
          expect(await binariesOf(session, state)).toEqual(binaries.get(version));
          const base = await session.versions.version(root, version);
          expect(await collect(session.versions.diff(base, 'current'))).toEqual([]);
        }
      }),
      { numRuns },
    );
  });
});
