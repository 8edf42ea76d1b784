/** A repository with launchers, a model they may launch, and followers that can be stopped at any write. */
import { pino } from 'pino';
import { onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { createStepRegistry } from '../../activities/registry.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { readRequest, requestsRoot, type WorkflowRequest } from '../../activities/satchel/request-node.js';
import { createSettings } from '../../dam/settings/settings.js';
import { createLaunchers, type Launchers } from '../../engine/launchers/launchers.js';
import type { LaunchConditions } from '../../engine/launchers/launcher-match.js';
import { adminUser, type Repository, type Session } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { openRepository, type RepositoryStores } from '../../repository/repository.js';
import { RepositoryError } from '../../repository/errors.js';
import type { NodeStore } from '../../repository/store/contract.js';
import type { PropertyInput } from '../../repository/value.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

const registry = createStepRegistry();
registry.register(
  defineStep({
    id: 'test/nothing',
    title: 'Nothing',
    description: '',
    config: z.strictObject({}),
    result: z.null(),
    examples: [],
    run: async () => null,
  }),
  'nothing.ts',
);

export interface LauncherWorld {
  readonly repository: Repository;
  readonly launchers: Launchers;
  /** Changes content, saved once; as admin, or as somebody with user data. */
  change(work: (session: Session) => Promise<unknown>, as?: { user?: string; userData?: string }): Promise<number>;
  /** Adds launchers to a layer: `{ '/apps': { name: properties } }`. */
  add(layers: Layers): Promise<void>;
  /** Follows until all that is saved was looked at, then stops. */
  workOff(): Promise<void>;
  /** Requests as they were made, in the order of their ids. */
  requests(): Promise<WorkflowRequest[]>;
}

export type Layers = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, PropertyInput>>>>>>;

/** What every launcher of these tests has that says nothing else. */
const usual = { events: ['added'], glob: '/content/dam', nodetype: 'dam:Asset', model: 'test/model' };

export function memoryStores(): RepositoryStores {
  return { nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() };
}

/** Over stores that hold a world already: what another process would see. */
export async function openLauncherWorld(
  stores: RepositoryStores = memoryStores(),
  conditions: LaunchConditions = { runModes: ['author'], features: [] },
): Promise<LauncherWorld> {
  return launcherWorldOn(await openRepository(stores), conditions);
}

export async function launcherWorldOn(
  repository: Repository,
  conditions: LaunchConditions = { runModes: ['author'], features: [] },
): Promise<LauncherWorld> {
  await bootstrapRepository(repository);
  const overlay = createOverlayResolver({ repository });
  const services = { repository, overlay, settings: createSettings({ overlay }) };
  const launchers = createLaunchers({ services, registry, conditions });

  const change: LauncherWorld['change'] = async (work, { user = adminUser, userData } = {}) =>
    repository.withSession(user, async (session) => {
      session.setUserData(userData);
      await work(session);
      return session.save();
    });
  await change(async (session) => {
    const model = '/libs/settings/workflow/models/test/model';
    if (await session.findNode(model)) return;
    await session.ensureNode(model, { primaryType: 'satchel:WorkflowModel' }, 'sling:Folder');
    await session.ensureNode(`${model}/only`, {
      primaryType: 'satchel:WorkflowStep',
      properties: { step: 'test/nothing' },
    });
    await session.ensureNode('/conf/aurora/settings', { primaryType: 'sling:Folder' }, 'sling:Folder');
    const folder = { primaryType: 'sling:Folder', properties: { 'sling:configRef': '/conf/aurora' } };
    await session.ensureNode('/content/dam/aurora', folder);
  });

  return {
    repository,
    launchers,
    change,
    async add(layers) {
      await change(async (session) => {
        for (const [layer, byName] of Object.entries(layers)) {
          for (const [name, properties] of Object.entries(byName)) {
            const path = `${layer}/settings/workflow/launchers/${name}`;
            const whole = layer.startsWith('/conf/aurora') ? properties : { ...usual, ...properties };
            const primaryType = 'satchel:WorkflowLauncher';
            await session.ensureNode(path, { primaryType, properties: whole }, 'sling:Folder');
          }
        }
      });
    },
    async workOff() {
      const follower = launchers.follow({ onLaunched: () => undefined, log: pino({ level: 'silent' }) });
      onTestFinished(() => follower.close());
      await vi.waitFor(
        async () => {
          const { position, behind, problems } = await launchers.status();
          if (position === undefined || behind.commits > 0) throw new Error(JSON.stringify({ behind, problems }));
        },
        { timeout: 60_000, interval: 20 },
      );
      await follower.close();
    },
    requests: () =>
      repository.withSession(adminUser, async (session) => {
        const requests: WorkflowRequest[] = [];
        for await (const node of session.children(requestsRoot)) requests.push(readRequest(node));
        return requests.sort((a, b) => (a.id < b.id ? -1 : 1));
      }),
  };
}

/**
 * A store as a process has it that dies at its nth write: that write is done (`after`) or not, and nothing works from then on.
 */
export function dyingStore(
  inner: NodeStore,
  nth: number,
  when: 'before' | 'after',
  counted: 'commits and cursors' | 'commits' = 'commits and cursors',
): { readonly store: NodeStore; readonly died: Promise<void>; readonly writes: () => number } {
  let writes = 0;
  let isDead = false;
  let tell: () => void = () => undefined;
  const died = new Promise<void>((resolve) => (tell = resolve));
  const gone = () => new RepositoryError('STORE_UNAVAILABLE', 'The process died.');
  const alive = <T>(work: () => T): T => {
    if (isDead) throw gone();
    return work();
  };
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isDead) throw gone();
    writes += 1;
    if (writes < nth) return work();
    if (when === 'after') await work();
    isDead = true;
    tell();
    throw gone();
  };
  const store: NodeStore = {
    snapshot: async (atLeast) => alive(() => inner.snapshot(atLeast)),
    commit: (commit) => write(() => inner.commit(commit)),
    head: async () => alive(() => inner.head()),
    journal: (after) => alive(() => inner.journal(after)),
    journalStart: async () => alive(() => inner.journalStart()),
    trimJournal: (upTo) => write(() => inner.trimJournal(upTo)),
    onCommit: (listener) => inner.onCommit(listener),
    getCursor: async (name) => alive(() => inner.getCursor(name)),
    setCursor: async (name, sequence) => {
      const set = () => inner.setCursor(name, sequence);
      return counted === 'commits' ? alive(set) : write(set);
    },
    cursors: async () => alive(() => inner.cursors()),
    removeCursor: (name) => write(() => inner.removeCursor(name)),
    restore: (content) => inner.restore(content),
    close: async () => undefined,
  };
  return { store, died, writes: () => writes };
}
