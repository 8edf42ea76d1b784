/** Check-in, check-out, and both at once (JCR 2.0, sections 15.2 and 15.3). */
import { RepositoryError } from '../errors.js';
import { nodeKey, pathOfNodeKey, subtreeRanges } from '../keys.js';
import { toProperty } from '../convert-value.js';
import type { SaveAttempt, SaveContribution } from '../session-participant.js';
import { TransientSpace } from '../session-transient.js';
import type { StoredNode } from '../session-transient.js';
import type { Precondition, Write } from '../store/contract.js';
import { isVersionable, withCheckedOut } from './checked-out.js';
import { commitVersion, readTarget } from './commit-version.js';
import { requireVersionManagement } from './version-access.js';
import { historyWrite, versionWrite } from './version-history.js';
import type { History } from './version-history.js';
import type { VersionHost } from './version-host.js';
import { frozenKey, nameOfVersion } from './version-keys.js';
import { isPolicy, pathBelow } from './version-tree.js';

interface FreezeOptions {
  readonly path: string;
  readonly identifier: string;
  readonly comment: string | undefined;
  /** How the node is left. */
  readonly checkedOut: boolean;
}

/** Freezes the node as the next version. @returns its name */
export async function freeze(host: VersionHost, options: FreezeOptions): Promise<string> {
  const { path, identifier, checkedOut } = options;
  // A comment is text as properties are.
  if (options.comment !== undefined) toProperty('comment', options.comment);
  let number = 0;
  await commitVersion(host, identifier, async (snapshot) => ({
    transient: changedState(await readTarget(snapshot, path, identifier), checkedOut),
    contribute: async (attempt, history) => {
      requireVersionManagement(attempt.evaluator, path);
      number = history ? history.last + 1 : 0;
      return freezeSubtree(attempt, options, { history, number, userId: host.session.userId });
    },
  }));
  return nameOfVersion(number);
}

export async function checkOut(host: VersionHost, path: string, identifier: string): Promise<void> {
  await commitVersion(host, identifier, async (snapshot) => ({
    transient: changedState(await readTarget(snapshot, path, identifier), true),
    contribute: ({ evaluator }) => {
      requireVersionManagement(evaluator, path);
      return {};
    },
  }));
}

/** @throws CONSTRAINT_VIOLATION */
function changedState(node: StoredNode, checkedOut: boolean): TransientSpace {
  if (!isVersionable(node.record)) throw notVersionable(node.path);
  const transient = new TransientSpace();
  transient.put({ path: node.path, record: withCheckedOut(node.record, checkedOut), origin: node, ensured: false });
  return transient;
}

/** The records as they are: no node is decoded, nor encoded again. */
async function freezeSubtree(
  { snapshot }: SaveAttempt,
  { path, identifier, comment }: FreezeOptions,
  {
    history,
    number,
    userId,
  }: { readonly history: History | undefined; readonly number: number; readonly userId: string },
): Promise<SaveContribution> {
  const [root] = await snapshot.getMany([nodeKey(path)]);
  const preconditions: Precondition[] = [{ kind: 'version', key: nodeKey(path), version: root?.version ?? 0 }];
  const frozen: Write[] = root ? [{ key: frozenKey(identifier, number, '/'), value: root.value }] : [];
  for (const range of subtreeRanges(path)) {
    preconditions.push({ kind: 'unchanged', range, since: snapshot.sequence });
    for await (const batch of snapshot.range(range)) {
      for (const { key, value } of batch) {
        const below = pathBelow(pathOfNodeKey(key), path);
        if (below !== '/' && !isPolicy(below)) frozen.push({ key: frozenKey(identifier, number, below), value });
      }
    }
  }
  const info = versionWrite(identifier, {
    number,
    predecessors: history ? [nameOfVersion(history.base)] : [],
    path,
    created: new Date().toISOString(),
    createdBy: userId,
    comment,
    nodes: frozen.length,
  });
  return { preconditions, writes: [historyWrite({ identifier, base: number, last: number }), info, ...frozen] };
}

export function notVersionable(path: string): RepositoryError {
  return new RepositoryError(
    'CONSTRAINT_VIOLATION',
    `The node ${path} is not versionable: add the mixin mix:versionable first.`,
    { paths: [path] },
  );
}
