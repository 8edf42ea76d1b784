/**
 * Random operations of several sessions against a model: every outcome and all that every session sees has to be the same.
 * A failure prints its seed and the operations up to it. SATCHEL_SEED=<seed> runs that one again, SATCHEL_RUNS=<how many>
 * runs more of them.
 */
import { describe, it, onTestFinished } from 'vitest';
import type { Repository, Session } from '../../../repository/api.js';
import { backends, openEmbedded, temporaryFolder } from '../world.js';
import { applyToBoth, compareListing, compareNodes } from './compare.js';
import type { Pair } from './compare.js';
import { ModelSession, ModelStore } from './model.js';
import type { ModelNode } from './model.js';
import { randomOperation } from './operation.js';
import type { Operation } from './operation.js';
import { createRandom, seeds } from './random.js';

const sessions = 3;
const operations = 150;

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
