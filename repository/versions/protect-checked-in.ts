/**
 * A checked-in node is read-only, with all below up to the next versionable node (JCR 2.0, section 15.2.2): its properties,
 * its children and their order. It may itself be moved or removed: that changes its parent. Policies are no part of it.
 */
import { RepositoryError } from '../errors.js';
import { historyKey } from './version-keys.js';
import { parentOf } from '../path.js';
import type { NodeRecord } from '../record.js';
import type { SaveAttempt, SaveContribution, SaveParticipant } from '../session-participant.js';
import { isMoveRoot } from '../session-plan.js';
import type { PlannedNode, SavePlan } from '../session-plan.js';
import type { Precondition } from '../store/contract.js';
import { isCheckedIn, isCheckedOutState, isVersionable } from './checked-out.js';
import { isPolicy } from './version-tree.js';

/** @throws NODE_CHECKED_IN, CONSTRAINT_VIOLATION */
export const protectCheckedIn: SaveParticipant = (attempt) => protect(attempt, undefined);

/** For what versions do themselves to the node with that identifier. */
export function protectOthers(identifier: string): SaveParticipant {
  return (attempt) => protect(attempt, identifier);
}

async function protect(attempt: SaveAttempt, exempt: string | undefined): Promise<SaveContribution> {
  const { plan, snapshot } = attempt;
  for (const node of plan.nodes.values()) if (node.record.identifier !== exempt) assertStateKept(node);
  const changed = changedPaths(plan);
  const governing = await governingNodes(attempt, changed);
  const found = new Set<string>();
  for (const path of changed) {
    const node = governing.get(path);
    if (!node || node.record.identifier === exempt) continue;
    if (isCheckedIn(node.record)) {
      throw new RepositoryError(
        'NODE_CHECKED_IN',
        `The node ${node.path} is checked in, so ${path === node.path ? 'it' : path} cannot be changed; check it out first.`,
        { paths: [node.path] },
      );
    }
    found.add(node.record.identifier);
  }
  // A check-in that comes first rewrites the history: then this is judged anew.
  const keys = [...found].map(historyKey);
  const histories = await snapshot.getMany(keys);
  return {
    preconditions: keys.map((key, index): Precondition => {
      return { kind: 'version', key, version: histories[index]?.version ?? 0 };
    }),
  };
}

function assertStateKept({ path, record, origin }: PlannedNode): void {
  const wasVersionable = origin !== undefined && isVersionable(origin.record);
  const before = wasVersionable && isCheckedIn(origin.record);
  if (isVersionable(record) && isCheckedIn(record) !== before) {
    throw new RepositoryError(
      'CONSTRAINT_VIOLATION',
      `The node ${path} is versionable: its jcr:isCheckedOut is changed by checkIn and checkOut only.`,
      { paths: [path] },
    );
  }
}

/** For each change the path of the node whose state it is part of. */
function changedPaths(plan: SavePlan): Set<string> {
  const paths = new Set<string>();
  for (const { path } of plan.removed) if (!isPolicy(path)) paths.add(parentOf(path));
  for (const node of plan.nodes.values()) {
    if (isPolicy(node.path)) continue;
    const { path, record, origin, inPlace, changed } = node;
    const entersParent = inPlace
      ? record.position !== origin?.record.position
      : origin === undefined || isMoveRoot(plan, node);
    if (entersParent && path !== '/') paths.add(parentOf(path));
    if (origin && changed.some((name) => !isOwnState(name, origin.record, record))) paths.add(path);
  }
  return paths;
}

function isOwnState(name: string, before: NodeRecord, after: NodeRecord): boolean {
  return isCheckedOutState(before, name) && isCheckedOutState(after, name);
}

interface Governing {
  readonly path: string;
  readonly record: NodeRecord;
}

/** For each path the nearest versionable node up from it, in its state before the save. One batched read. */
async function governingNodes(
  { plan, readNodes }: SaveAttempt,
  paths: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Governing>> {
  const versionable = new Map<string, Governing>();
  const seen = new Set<string>();
  const stored: string[] = [];
  for (const changed of paths) {
    for (let path = changed; path !== '' && !seen.has(path); path = parentOf(path)) {
      seen.add(path);
      const node = plan.nodes.get(path);
      if (!node) stored.push(path);
      else {
        const record = node.origin?.record ?? node.record;
        if (isVersionable(record)) versionable.set(path, { path, record });
      }
    }
  }
  for (const [path, node] of await readNodes(stored)) if (isVersionable(node.record)) versionable.set(path, node);
  const governing = new Map<string, Governing>();
  if (versionable.size === 0) return governing;
  for (const changed of paths) {
    for (let path = changed; path !== ''; path = parentOf(path)) {
      const node = versionable.get(path);
      if (!node) continue;
      governing.set(changed, node);
      break;
    }
  }
  return governing;
}
