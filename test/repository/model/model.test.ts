/**
 * Random operations of several sessions against a model: every outcome and all that every session sees has to be the same.
 * A failure prints its seed and the operations up to it. SATCHEL_SEED=<seed> runs that one again, SATCHEL_RUNS=<how many>
 * runs more of them.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Repository, Session } from '../../../repository/api.js';
import { RepositoryError } from '../../../repository/errors.js';
import { backends, collect, openEmbedded, pathsOf, temporaryFolder } from '../world.js';
import { ModelSession, ModelStore } from './model.js';
import type { ModelNode } from './model.js';
import { randomOperation } from './operation.js';
import type { Operation, PropertyChanges } from './operation.js';
import { createRandom } from './random.js';

const sessions = 3;
const operations = 150;
const runs = Number(process.env['SATCHEL_RUNS'] ?? 8);
const firstSeed = Number(process.env['SATCHEL_SEED'] ?? 1);
const seeds = Array.from({ length: process.env['SATCHEL_SEED'] === undefined ? runs : 1 }, (_, run) => firstSeed + run);

interface Pair {
  readonly real: Session;
  readonly model: ModelSession;
}

/** Opens a repository, and again after a crash with what is stored; where nothing can be reopened, sessions are left. */
type Open = (crashed: Repository | undefined) => Promise<Repository>;

const worlds: Record<string, () => Promise<Open>> = {
  ...Object.fromEntries(
    Object.entries(backends).map(([name, open]) => [name, async () => async (crashed) => crashed ?? open()]),
  ),
  'LevelDB and files': async () => {
    const folder = await temporaryFolder();
    return async (crashed) => {
      await crashed?.close();
      return openEmbedded(folder);
    };
  },
};

class Run {
  readonly #pairs: Pair[] = [];
  readonly #abandoned: Session[] = [];
  readonly #store: ModelStore;

  private constructor(
    private repository: Repository,
    private readonly open: Open,
    private readonly root: string,
    rootNode: ModelNode,
    sequence: number,
  ) {
    this.#store = new ModelStore(new Map([[root, rootNode]]), sequence);
  }

  static async start(repository: Repository, open: Open, root: string): Promise<Run> {
    const rootNode = await repository.withSession('admin', async (session) => {
      const { identifier } = await session.addNode(root);
      const version = await session.save();
      return { id: identifier, type: 'nt:unstructured' as const, place: undefined, properties: new Map(), version };
    });
    const run = new Run(repository, open, root, rootNode, rootNode.version);
    for (let index = 0; index < sessions; index++) run.#pairs.push(await run.#login());
    return run;
  }

  /** Whoever opened the repository goes on with this one. */
  async end(): Promise<Repository> {
    for (const session of [...this.#abandoned, ...this.#pairs.map(({ real }) => real)]) await session.close();
    return this.repository;
  }

  async #login(): Promise<Pair> {
    return { real: await this.repository.login('admin'), model: new ModelSession(this.#store) };
  }

  async apply(index: number, operation: Operation): Promise<void> {
    const pair = this.#pairs[index];
    if (!pair) throw new Error(`There is no session ${index}.`);
    if (operation.kind === 'crash') await this.#crash();
    else if (operation.kind === 'reopen') {
      await pair.real.close();
      this.#pairs[index] = await this.#login();
    } else await applyToBoth(pair, operation);
    const isSeenByOthers = operation.kind === 'save' || operation.kind === 'crash';
    for (const seen of isSeenByOthers ? this.#pairs : [this.#pairs[index] ?? pair])
      await compareListing(seen, this.root);
    if (['save', 'refresh', 'move', 'order'].includes(operation.kind)) await compareNodes(pair, this.root);
  }

  async #crash(): Promise<void> {
    const before = this.repository;
    this.repository = await this.open(before);
    if (this.repository === before) this.#abandoned.push(...this.#pairs.map(({ real }) => real));
    for (let index = 0; index < sessions; index++) this.#pairs[index] = await this.#login();
  }
}

async function applyToBoth({ real, model }: Pair, operation: Operation): Promise<void> {
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
  expect(outcome, 'outcome').toBe(expectedOutcome(model, operation, () => id));
}

function expectedOutcome(model: ModelSession, operation: Operation, newId: () => string): string | undefined {
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

async function compareListing({ real, model }: Pair, root: string): Promise<void> {
  expect(real.sequence, 'sequence').toBe(model.sequence);
  expect(real.hasPendingChanges, 'pending changes').toBe(model.hasPendingChanges);
  const view = model.view();
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

/** The ways to one node: by listing its parent, by its path and by its identifier. */
async function compareNodes({ real, model }: Pair, root: string): Promise<void> {
  const view = model.view();
  const paths = [...view.keys(), `${root}/none`];
  const found = await real.findNodes(paths);
  expect(found.map((node) => node?.identifier)).toEqual(paths.map((path) => view.get(path)?.id));
  const ids = [...view.values()].map(({ id }) => id);
  for (const [path, { id }] of view) {
    expect(await pathsOf(real.children(path)), `children of ${path}`).toEqual(model.children(path));
    // Others may have moved a node that is changed here: then both show it, until the save says so.
    if (ids.indexOf(id) !== ids.lastIndexOf(id)) continue;
    expect((await real.findNodeByIdentifier(id))?.path, `path of ${id}`).toBe(path);
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

function printed(session: number, operation: Operation): string {
  return `  session ${session}: ${JSON.stringify(operation)}`;
}

describe.each(Object.entries(worlds))('sessions on %s', (_name, openWorld) => {
  it('do and see what the model says', async () => {
    const open = await openWorld();
    let repository = await open(undefined);
    onTestFinished(() => repository.close());
    for (const seed of seeds) {
      const random = createRandom(seed);
      const root = `/model-${seed}`;
      const run = await Run.start(repository, open, root);
      const done: string[] = [];
      try {
        for (let step = 0; step < operations; step++) {
          const session = random.below(sessions);
          const operation = randomOperation(random, root);
          done.push(printed(session, operation));
          await run.apply(session, operation);
        }
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        throw new Error(`SATCHEL_SEED=${seed} fails after\n${done.join('\n')}\n${problem}`, { cause: error });
      } finally {
        repository = await run.end();
      }
    }
  });
});
