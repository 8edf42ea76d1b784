/** One commit that changes a history, and the node with it; made by the same code as every save. */
import { RepositoryError } from '../errors.js';
import type { SaveAttempt, SaveContribution } from '../session-participant.js';
import { readBasis, saveChanges } from '../session-save.js';
import type { StoredNode } from '../session-transient.js';
import { TransientSpace } from '../session-transient.js';
import { readStoredNodes } from '../session-view.js';
import type { Precondition, StoreSnapshot } from '../store/contract.js';
import { protectCheckedIn, protectOthers } from './protect-checked-in.js';
import type { History } from './version-history.js';
import { readHistory } from './version-history.js';
import type { VersionHost } from './version-host.js';
import { noNode } from './version-host.js';
import { historyKey } from './version-keys.js';

/** Others that change the same history at the same time are few. */
const maxAttempts = 20;

interface VersionCommit {
  /** Changes of nodes; default: none. */
  readonly transient?: TransientSpace;
  /** Rights, preconditions and records of the history. */
  readonly contribute: (
    attempt: SaveAttempt,
    history: History | undefined,
  ) => SaveContribution | Promise<SaveContribution>;
}

/**
 * @param prepare is called again, with a newer snapshot, when another commit came first
 * @throws CONFLICT when others keep coming first
 */
export async function commitVersion(
  host: VersionHost,
  identifier: string,
  prepare: (snapshot: StoreSnapshot) => VersionCommit | Promise<VersionCommit>,
): Promise<void> {
  const { store, participants } = host.context;
  for (let attempt = 1; ; attempt++) {
    const snapshot = await store.snapshot();
    try {
      const { transient = new TransientSpace(), contribute } = await prepare(snapshot);
      const context = {
        ...host.context,
        participants: [
          ...participants.filter((participant) => participant !== protectCheckedIn),
          protectOthers(identifier),
          (current: SaveAttempt) => contributeGuarded(current, identifier, contribute),
        ],
        evenIfUnchanged: true,
      };
      await saveChanges(context, transient, snapshot, await readBasis(host.context, snapshot, host.session.userId));
      break;
    } catch (error) {
      const mayRetry = error instanceof RepositoryError && error.code === 'CONFLICT' && attempt < maxAttempts;
      if (!mayRetry) throw error;
    } finally {
      await snapshot.close();
    }
  }
  await host.session.refresh(true);
}

async function contributeGuarded(
  attempt: SaveAttempt,
  identifier: string,
  contribute: VersionCommit['contribute'],
): Promise<SaveContribution> {
  const history = await readHistory(attempt.snapshot, identifier);
  const { preconditions = [], writes = [] } = await contribute(attempt, history);
  const guard: Precondition = { kind: 'version', key: historyKey(identifier), version: history?.version ?? 0 };
  return { preconditions: [guard, ...preconditions], writes };
}

/** The node with that identifier at that path. @throws PATH_NOT_FOUND when another commit removed or replaced it */
export async function readTarget(snapshot: StoreSnapshot, path: string, identifier: string): Promise<StoredNode> {
  const node = (await readStoredNodes(snapshot, [path])).get(path);
  if (node?.record.identifier !== identifier) throw noNode(path);
  return node;
}
