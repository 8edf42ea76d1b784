/**
 * Sessions of users whose rights change while they work, against a model: what they read, list and save has to be the same. A failure prints its
 * seed and what was done up to it; SATCHEL_SEED and SATCHEL_RUNS as in model.test.ts.
 */
import { describe, it, onTestFinished } from 'vitest';
import { setPolicy } from '../../../repository/access/policy.js';
import type { NewPolicyEntry } from '../../../repository/access/policy.js';
import type { Privilege, Repository } from '../../../repository/api.js';
import { createGroup, createUser } from '../../../repository/users.js';
import { backends } from '../world.js';
import { applyToBoth, compareListing, compareNodes } from './compare.js';
import type { Pair } from './compare.js';
import type { ModelNode } from './model.js';
import { randomOperation } from './operation.js';
import type { Operation } from './operation.js';
import { createRandom, seeds } from './random.js';
import type { Random } from './random.js';
import { RightsSession, RightsStore } from './rights.js';
import type { Principals } from './rights.js';

const steps = 100;
const privilegeSets: readonly [Privilege[], ...Privilege[][]] = [
  ['jcr:read'],
  // Often, else there is soon nothing that may be done.
  ['jcr:read', 'rep:write'],
  ['jcr:read', 'rep:write'],
  ['jcr:read', 'rep:write'],
  ['jcr:read', 'rep:write'],
  ['jcr:read', 'rep:write'],
  ['rep:write'],
  ['jcr:modifyProperties'],
  ['rep:addProperties'],
  ['rep:alterProperties'],
  ['rep:removeProperties'],
  ['jcr:addChildNodes'],
  ['jcr:removeChildNodes'],
  ['jcr:removeNode', 'jcr:removeChildNodes'],
];

/** The places whose policies change; the operations change what lies below them. */
const placesBelow = (root: string) =>
  [root, `${root}/one`, `${root}/one/inner`, `${root}/two`] as const satisfies [string, ...string[]];

function randomPolicy(random: Random, principals: readonly [string, ...string[]]): NewPolicyEntry[] {
  return Array.from({ length: random.below(8) === 0 ? 0 : 1 + random.below(3) }, () => ({
    kind: random.below(5) === 0 ? ('deny' as const) : ('allow' as const),
    principal: random.pick(principals),
    privileges: random.pick(privilegeSets),
  }));
}

class Run {
  readonly #pairs: Pair[] = [];

  private constructor(
    private readonly repository: Repository,
    private readonly root: string,
    private readonly users: readonly Principals[],
    private readonly store: RightsStore,
  ) {}

  /** Two sessions of a user who is in a group, and one of a user who is not. */
  static async start(repository: Repository, seed: number): Promise<Run> {
    const root = `/rights-${seed}`;
    const [group, ada, ben] = [`team-${seed}`, `ada-${seed}`, `ben-${seed}`];
    const content = new Map<string, ModelNode>();
    const sequence = await repository.withSession('admin', async (session) => {
      await createGroup(session, group);
      await createUser(session, { id: ada, groups: [group] });
      await createUser(session, { id: ben });
      for (const path of placesBelow(root)) {
        const { identifier: id } = await session.addNode(path, { primaryType: 'sling:Folder' });
        content.set(path, { id, type: 'sling:Folder', place: undefined, properties: new Map(), version: 0 });
      }
      return session.save();
    });
    const member = { user: ada, groups: [group, 'everyone'] };
    const users = [member, member, { user: ben, groups: ['everyone'] }];
    const run = new Run(repository, root, users, new RightsStore(content, sequence, new Map()));
    // Else nobody may do anything for a while.
    await run.#setPolicy(root, [{ kind: 'allow', principal: 'everyone', privileges: ['jcr:read', 'rep:write'] }]);
    for (const each of users) run.#pairs.push(await run.#login(each));
    return run;
  }

  async end(): Promise<void> {
    for (const { real } of this.#pairs) await real.close();
  }

  async #login(principals: Principals): Promise<Pair> {
    return { real: await this.repository.login(principals.user), model: new RightsSession(this.store, principals) };
  }

  async #setPolicy(path: string, entries: readonly NewPolicyEntry[]): Promise<void> {
    await this.repository.withSession('admin', async (session) => {
      await setPolicy(session, path, entries);
      await session.save();
    });
    this.store.setPolicy(path, entries);
  }

  /** The operation where there is something, for the user to see or not: elsewhere most of them would find nothing. */
  #aimed(random: Random, operation: Operation, { model }: Pair): Operation {
    const places = placesBelow(this.root);
    const [first, ...others] = [...model.everything().keys()].filter((path) => !places.some((place) => place === path));
    if (first === undefined) return operation;
    const path = random.pick([first, ...others]);
    const free = `${random.pick([places[1], places[2], places[3], first, ...others])}/${random.pick(['a', 'b', 'c'])}`;
    if (operation.kind === 'add') return { ...operation, path: free };
    if (operation.kind === 'move') return { ...operation, from: path, to: free };
    return 'path' in operation ? { ...operation, path } : operation;
  }

  /** @returns what was done, for a report, before it is done */
  choose(random: Random): { readonly text: string; readonly step: () => Promise<void> } {
    const places = placesBelow(this.root);
    if (random.below(12) === 0) {
      const path = random.pick(places);
      const [member, other] = [this.users[0], this.users[2]];
      if (!member || !other) throw new Error('there are three sessions');
      const principals: [string, ...string[]] = [member.user, other.user, ...member.groups];
      const entries = randomPolicy(random, principals);
      const step = async () => {
        await this.#setPolicy(path, entries);
        // Whoever has not refreshed goes by the rights of what they see.
        for (const pair of this.#pairs) await compareListing(pair, this.root);
      };
      return { text: `policy of ${path}: ${JSON.stringify(entries)}`, step };
    }
    const index = random.below(this.users.length);
    const operation = randomOperation(random, random.pick([places[1], places[2], places[3]]));
    const pair = this.#pairs[index];
    const aimed = pair && random.below(3) > 0 ? this.#aimed(random, operation, pair) : operation;
    const { root } = this;
    const step = async () => {
      const principals = this.users[index];
      if (!pair || !principals) throw new Error(`there is no session ${index}`);
      if (aimed.kind === 'reopen' || aimed.kind === 'crash') {
        await pair.real.close();
        this.#pairs[index] = await this.#login(principals);
      } else await applyToBoth(pair, aimed);
      await compareListing(this.#pairs[index] ?? pair, root);
      if (['save', 'refresh', 'move'].includes(aimed.kind)) await compareNodes(pair, root);
    };
    return { text: `session ${index}: ${JSON.stringify(aimed)}`, step };
  }
}

describe.each(Object.entries(backends))('sessions of users on %s', (_name, open) => {
  it('do and see what their rights allow, while these change', { timeout: 600_000 }, async () => {
    const repository = await open();
    onTestFinished(() => repository.close());
    for (const seed of seeds) {
      const random = createRandom(seed);
      const run = await Run.start(repository, seed);
      const done: string[] = [];
      try {
        for (let count = 0; count < steps; count++) {
          const { text, step } = run.choose(random);
          done.push(`  ${text}`);
          await step();
        }
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        throw new Error(`SATCHEL_SEED=${seed} fails after\n${done.join('\n')}\n${problem}`, { cause: error });
      } finally {
        await run.end();
      }
    }
  });
});
