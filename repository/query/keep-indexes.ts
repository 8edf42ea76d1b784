/** What a save does for indexes: entries change in the commit that changes the nodes, so a query never sees one without the other. */
import { indexEpochKey } from '../keys.js';
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { isDescendantOrSelf } from '../path.js';
import type { NodeRecord } from '../record.js';
import type { SaveAttempt, SaveContribution } from '../session-participant.js';
import type { SavePlan } from '../session-plan.js';
import type { StoreSnapshot, Write } from '../store/contract.js';
import { indexRoot, isDefinitionPath, parseDefinition } from './index-definition.js';
import { addEntries, concerns } from './index-entries.js';
import type { IndexEntries } from './index-entries.js';
import { clearingKey, stateKey } from './index-keys.js';
import { decodeIndexState, encodeIndexState } from './index-state.js';
import type { IndexesInForce, IndexState, KeptIndex } from './index-state.js';

export async function keepIndexes({ plan, snapshot, types, indexes }: SaveAttempt): Promise<SaveContribution> {
  return {
    // Without it a save could miss an index that was defined after its snapshot.
    preconditions: [{ kind: 'version', key: indexEpochKey, version: indexes.epoch }],
    writes: [
      ...indexes.indexes.flatMap((index) => entryWrites(plan, index, types)),
      ...(await definitionWrites(plan, snapshot, indexes)),
    ],
  };
}

function entryWrites(plan: SavePlan, index: KeptIndex, types: NodeTypeRegistry): Write[] {
  const before: IndexEntries = new Map();
  const after: IndexEntries = new Map();
  for (const { nodes } of plan.removed) {
    for (const { path, record } of nodes) addEntries(before, index, path, record, types);
  }
  for (const { path, record, origin, inPlace, changed } of plan.nodes.values()) {
    // A build that has not come here yet leaves the whole node to this save.
    if (index.ready && inPlace && origin && !concerns(index.definition, changed, origin.record, record)) continue;
    // What a moved node had where it was is among what is removed.
    if (inPlace && origin) addEntries(before, index, path, origin.record, types);
    addEntries(after, index, path, record, types);
  }
  const writes: Write[] = [];
  for (const [key, value] of after) {
    if (!index.ready || before.get(key) !== value) writes.push({ key, value });
  }
  for (const key of before.keys()) if (!after.has(key)) writes.push({ key, remove: true });
  return writes;
}

/** Definitions that are added, changed or removed: the index begins anew under another id, and the old entries are cleared later. */
async function definitionWrites(plan: SavePlan, snapshot: StoreSnapshot, inForce: IndexesInForce): Promise<Write[]> {
  const touched = new Set<string>();
  for (const path of plan.nodes.keys()) if (isDefinitionPath(path)) touched.add(path);
  for (const { path: root, nodes } of plan.removed) {
    if (!isDescendantOrSelf(root, indexRoot) && !isDescendantOrSelf(indexRoot, root)) continue;
    for (const { path } of nodes) if (isDefinitionPath(path)) touched.add(path);
  }
  if (touched.size === 0) return [];
  const paths = [...touched];
  const stored = await snapshot.getMany(paths.map(stateKey));
  const writes: Write[] = [];
  let { nextId } = inForce;
  paths.forEach((path, index) => {
    const record = stored[index];
    const old = record && decodeIndexState(path, record.value);
    const node = plan.nodes.get(path);
    const state = node && stateOf(path, node.record, String(nextId));
    if (state && old && sameMeaning(state, old)) return;
    if (state?.phase === 'building') nextId++;
    if (state) writes.push({ key: stateKey(path), value: encodeIndexState(state) });
    else if (old) writes.push({ key: stateKey(path), remove: true });
    if (old && old.phase !== 'ignored') writes.push({ key: clearingKey(old.id), value: '' });
  });
  if (writes.length > 0) writes.push({ key: indexEpochKey, value: String(nextId) });
  return writes;
}

function stateOf(path: string, record: NodeRecord, id: string): IndexState {
  const definition = parseDefinition(path, record);
  if ('problem' in definition) return { phase: 'ignored', problem: definition.problem };
  return { phase: 'building', id, definition, position: '', nodes: 0 };
}

function sameMeaning(a: IndexState, b: IndexState): boolean {
  if (a.phase === 'ignored' || b.phase === 'ignored') {
    return a.phase === 'ignored' && b.phase === 'ignored' && a.problem === b.problem;
  }
  return JSON.stringify(a.definition) === JSON.stringify(b.definition);
}
