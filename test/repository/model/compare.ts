/** A session and its model, asked for the same: what they do and what they see. */
import { expect } from 'vitest';
import type { Session } from '../../../repository/api.js';
import { RepositoryError } from '../../../repository/errors.js';
import { collect, pathsOf } from '../world.js';
import type { ModelSession, Outcome } from './model.js';
import type { Operation, PropertyChanges } from './operation.js';

export interface Pair {
  readonly real: Session;
  readonly model: ModelSession;
}

export async function applyToBoth({ real, model }: Pair, operation: Operation): Promise<void> {
  let id = '';
  const outcome = await codeOf(async () => {
    switch (operation.kind) {
      case 'add': {
        const properties = inputsOf(operation.values);
        id = (await real.addNode(operation.path, { primaryType: operation.type, properties })).identifier;
        return;
      }
      case 'set':
        await real.setProperties(operation.path, changesOf(operation.values));
        return;
      case 'remove':
        return real.remove(operation.path);
      case 'move':
        return real.move(operation.from, operation.to);
      case 'order':
        return real.orderBefore(operation.path, operation.sibling);
      case 'save':
        await real.save();
        return;
      case 'refresh':
        return real.refresh(operation.keep);
    }
  });
  const expected = expectedOutcome(model, operation, () => id);
  expect(Array.isArray(expected) ? expected : [expected], 'outcome').toContain(outcome);
}

function expectedOutcome(model: ModelSession, operation: Operation, newId: () => string): Outcome {
  switch (operation.kind) {
    case 'add':
      return model.add(operation.path, operation.type, operation.values, newId);
    case 'set':
      return model.set(operation.path, operation.values);
    case 'remove':
      return model.remove(operation.path);
    case 'move':
      return model.move(operation.from, operation.to);
    case 'order':
      return model.orderBefore(operation.path, operation.sibling);
    case 'save':
      return model.save();
    case 'refresh':
      model.refresh(operation.keep);
      return undefined;
    case 'reopen':
    case 'crash':
      throw new Error(`${operation.kind} is none of one session.`);
  }
}

async function codeOf(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof RepositoryError) return error.code;
    throw error;
  }
}

const changesOf = (values: PropertyChanges) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value && value.input]));

const inputsOf = (values: PropertyChanges) =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value ? [[name, value.input]] : [])));

export async function compareListing({ real, model }: Pair, root: string): Promise<void> {
  expect(real.sequence, 'sequence').toBe(model.sequence);
  expect(real.hasPendingChanges, 'pending changes').toBe(model.hasPendingChanges);
  const view = model.listed(root);
  const expected = [...view].filter(([path]) => path !== root).map(([path, node]) => described(path, node));
  const nodes = await collect(real.descendants(root));
  const found = nodes.map(({ path, identifier, primaryType, properties }) => {
    const own = [...properties].filter(([name]) => !name.startsWith('jcr:'));
    const texts = own.map(([name, { type, multiple, values }]): [string, string] => [
      name,
      JSON.stringify({ type, multiple, values }),
    ]);
    return described(path, { id: identifier, type: primaryType, properties: new Map(texts) });
  });
  expect(found.toSorted(), 'descendants').toEqual(expected.toSorted());
  const listed = nodes.map(({ path }) => path);
  for (const parent of view.keys()) {
    const siblings = listed.filter((path) => path.slice(0, path.lastIndexOf('/')) === parent);
    expect(siblings, `below ${parent}`).toEqual(model.children(parent));
  }
}

/** The ways to one node: by listing its parent, by its path and by its identifier; for what may not be read, none. */
export async function compareNodes({ real, model }: Pair, root: string): Promise<void> {
  const view = model.view();
  const everything = model.everything();
  const paths = [...everything.keys(), `${root}/none`];
  const found = await real.findNodes(paths);
  expect(found.map((node) => node?.identifier)).toEqual(paths.map((path) => view.get(path)?.id));
  const ids = [...everything.values()].map(({ id }) => id);
  for (const [path, { id }] of everything) {
    expect(await pathsOf(real.children(path)), `children of ${path}`).toEqual(model.children(path));
    // Others may have moved a node that is changed here: then both show it, until the save says so.
    if (ids.indexOf(id) !== ids.lastIndexOf(id)) continue;
    expect((await real.findNodeByIdentifier(id))?.path, `path of ${id}`).toBe(view.has(path) ? path : undefined);
  }
}

function described(
  path: string,
  {
    id,
    type,
    properties,
  }: { readonly id: string; readonly type: string; readonly properties: ReadonlyMap<string, string> },
): string {
  const sorted = [...properties].map(([name, value]) => `${name}=${value}`).toSorted();
  return `${path} ${type} ${id} ${sorted.join(' ')}`;
}
