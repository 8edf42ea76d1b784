/** Opens a repository over its two stores. */
import { randomUUID } from 'node:crypto';
import { AccessStateCache } from './access/access-state.js';
import { validatePolicies } from './access/validate-policies.js';
import { validatePrincipals } from './access/validate-principals.js';
import { adminUser } from './api.js';
import type { CommitEvent, Repository, Session } from './api.js';
import { createBlobGuard } from './blob-references.js';
import { checkContent } from './content-rules.js';
import type { ContentRule } from './content-rules.js';
import { toProperty } from './convert-value.js';
import { RepositoryError } from './errors.js';
import { identifierKey, nodeKey } from './keys.js';
import { NodeCache } from './node-cache.js';
import { registerNodeTypes, unregisterNodeTypes } from './node-types/register-node-types.js';
import { NodeTypeCache } from './node-types/registry-cache.js';
import { commitsAfter, encodeCommitEntry, followJournal } from './observation.js';
import type { FollowOptions } from './observation.js';
import { printable } from './path.js';
import { createFirstIndexes } from './query/first-indexes.js';
import { IndexStateCache } from './query/index-state.js';
import { StoreIndexer } from './query/indexer.js';
import type { Indexer } from './query/indexer.js';
import { keepIndexes } from './query/keep-indexes.js';
import { encodeRecord } from './record.js';
import { keepReferences } from './references.js';
import { SessionNode } from './session-node.js';
import { openSession } from './session.js';
import type { SessionContext } from './session.js';
import { readStoredNodes } from './session-view.js';
import { StoreConflict } from './store/contract.js';
import type { BlobStore, NodeStore, StoreSnapshot } from './store/contract.js';
import { createFirstPrincipals, isDisabled, principalPath, serviceUsersRoot, usersRoot } from './users.js';
import { protectCheckedIn } from './versions/protect-checked-in.js';

export interface RepositoryStores {
  readonly nodes: NodeStore;
  readonly blobs: BlobStore;
}

export interface QueryLimits {
  /** Nodes a query may look at without an index; default 100,000. */
  readonly maxVisitedNodes?: number;
  /** Entries that are rather sorted than read from an index that has the order; default 1,000. */
  readonly maxSortedEntries?: number;
}

export interface RepositoryOptions {
  /** How much memory decoded nodes may take, in bytes; default 64 MiB. */
  readonly nodeCacheBytes?: number;
  /** A function is asked before every query, so that limits may change while the repository is open. */
  readonly queries?: QueryLimits | (() => QueryLimits);
  /** Rules about content of the product's own; a save that breaks one is CONSTRAINT_VIOLATION. Default: none. */
  readonly contentRules?: readonly ContentRule[];
}

/**
 * An empty store gets the root, `/home`, the groups `administrators`, `dam-users` and `everyone`, the user `admin`
 * and the first indexes.
 * The repository closes both stores when it is closed.
 */
export async function openRepository(
  { nodes, blobs }: RepositoryStores,
  options: RepositoryOptions = {},
): Promise<Repository> {
  const { queries, contentRules = [] } = options;
  const limits = typeof queries === 'function' ? queries : () => queries ?? {};
  const indexStates = new IndexStateCache();
  const repository = new StoreRepository({
    store: nodes,
    blobs,
    accessStates: new AccessStateCache(),
    nodes: new NodeCache(nodes, await nodes.head(), options.nodeCacheBytes),
    nodeTypes: new NodeTypeCache(),
    participants: [
      validatePolicies,
      validatePrincipals,
      createBlobGuard(),
      keepReferences,
      protectCheckedIn,
      checkContent(contentRules),
      keepIndexes(indexStates),
    ],
    queries: {
      indexStates,
      get maxVisitedNodes() {
        return limits().maxVisitedNodes ?? 100_000;
      },
      get maxSortedEntries() {
        return limits().maxSortedEntries ?? 1000;
      },
    },
  });
  await repository.initialise();
  return repository;
}

class StoreRepository implements Repository {
  readonly #context: SessionContext;
  readonly #closing = new AbortController();

  readonly #indexer: StoreIndexer;

  constructor(context: SessionContext) {
    this.#context = context;
    this.#indexer = new StoreIndexer(context.store, context.queries.indexStates, context.nodeTypes);
  }

  get indexer(): Indexer {
    return this.#indexer;
  }

  get blobs(): BlobStore {
    return this.#context.blobs;
  }

  /** Two processes may find the same store empty; the one that comes second finds the other's content. */
  async initialise(): Promise<void> {
    const { store } = this.#context;
    if ((await store.head()) > 0 && (await this.#hasPrincipals())) return;
    try {
      await createRoot(store);
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    }
    const session = await openSession(this.#context, adminUser, await store.snapshot());
    try {
      if ((await session.findNode(usersRoot)) === undefined) {
        await createFirstPrincipals(session);
        await createFirstIndexes(session);
        await session.save();
        // Next to nothing is there to be indexed, so the first query finds every index ready.
        await this.#indexer.catchUp();
      }
    } catch (error) {
      if (!(error instanceof RepositoryError && error.code === 'CONFLICT')) throw error;
    } finally {
      await session.close();
    }
  }

  async #hasPrincipals(): Promise<boolean> {
    const snapshot = await this.#context.store.snapshot();
    try {
      return (await readStoredNodes(snapshot, [usersRoot])).has(usersRoot);
    } finally {
      await snapshot.close();
    }
  }

  async head(): Promise<number> {
    return this.#context.store.head();
  }

  async login(userId: string): Promise<Session> {
    return this.#login(userId, principalPath(usersRoot, userId), 'rep:User');
  }

  async loginService(name: string): Promise<Session> {
    return this.#login(name, principalPath(serviceUsersRoot, name), 'rep:SystemUser');
  }

  async #login(id: string, path: string | undefined, type: 'rep:User' | 'rep:SystemUser'): Promise<Session> {
    const snapshot = await this.#context.store.snapshot();
    try {
      if (path === undefined || !(await isActiveUser(snapshot, path, type))) throw unknownUser(id, type);
      return await openSession(this.#context, id, snapshot);
    } catch (error) {
      await snapshot.close();
      throw error;
    }
  }

  async withSession<T>(
    user: string | { readonly service: string },
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    const session = await (typeof user === 'string' ? this.login(user) : this.loginService(user.service));
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  async registerNodeTypes(userId: string, cnd: string): Promise<string[]> {
    return registerNodeTypes(this.#context, userId, cnd);
  }

  async unregisterNodeTypes(userId: string, names: readonly string[]): Promise<void> {
    await unregisterNodeTypes(this.#context, userId, names);
  }

  follow(options: FollowOptions): AsyncIterable<CommitEvent> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    return followJournal(this.#context.store, { ...options, signal });
  }

  async cursors(): Promise<ReadonlyMap<string, number>> {
    return this.#context.store.cursors();
  }

  async removeCursor(name: string): Promise<void> {
    await this.#context.store.removeCursor(name);
  }

  onCommit(listener: () => void): () => void {
    return this.#context.store.onCommit(listener);
  }

  commitsAfter(sequence: number): AsyncIterable<CommitEvent> {
    return commitsAfter(this.#context.store, sequence);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#indexer.close();
    await this.#context.store.close();
    await this.#context.blobs.close();
  }
}

/** The root has no parent whose change it could be, so it is written as what it is: the first record. */
async function createRoot(store: NodeStore): Promise<void> {
  const identifier = randomUUID();
  const primaryType = toProperty('/jcr:primaryType', { type: 'Name', multiple: false, values: ['rep:root'] });
  const root = { identifier, properties: new Map([['jcr:primaryType', primaryType]]) };
  await store.commit({
    preconditions: [{ kind: 'version', key: nodeKey('/'), version: 0 }],
    writes: [
      { key: nodeKey('/'), value: encodeRecord(root) },
      { key: identifierKey(identifier), value: '/' },
    ],
    entry: encodeCommitEntry(adminUser, new Date(), [{ kind: 'nodeAdded', path: '/', primaryType: 'rep:root' }]),
  });
}

async function isActiveUser(
  snapshot: StoreSnapshot,
  path: string,
  type: 'rep:User' | 'rep:SystemUser',
): Promise<boolean> {
  const stored = (await readStoredNodes(snapshot, [path])).get(path);
  if (!stored) return false;
  const user = new SessionNode(path, stored.version, stored.record);
  return user.primaryType === type && !isDisabled(user);
}

function unknownUser(id: string, type: 'rep:User' | 'rep:SystemUser'): RepositoryError {
  const kind = type === 'rep:User' ? 'user' : 'service user';
  return new RepositoryError('UNKNOWN_USER', `There is no active ${kind} "${printable(id.slice(0, 300))}".`);
}
