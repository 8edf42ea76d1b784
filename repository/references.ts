/**
 * Referential integrity (JCR 2.0, section 3.8.2). Every node that refers to another has a record at
 * `r<identifier of the target>\0<own path>`: its properties that do, as JSON `{"h": names of References, "w": names of
 * WeakReferences}`. The records change in the commit that changes the node.
 */
import { RepositoryError } from './errors.js';
import type { Reference } from './api.js';
import { identifierKey, pathOfReferenceKey, referenceKey, referenceKeys } from './keys.js';
import { referencesRange, targetOfReferenceKey } from './keys.js';
import type { NodeRecord } from './record.js';
import { textsOf } from './record.js';
import type { SaveAttempt, SaveContribution } from './session-participant.js';
import type { PlannedNode, SavePlan } from './session-plan.js';
import { readStoredNodes } from './session-view.js';
import type { SessionView } from './session-view.js';
import type { KeyRange, Precondition, StoreSnapshot, Write } from './store/contract.js';
import type { Property } from './value.js';

/** A node that refers to another: its path, and the names of the properties that do. */
interface Referrer {
  readonly target: string;
  readonly path: string;
  readonly hard: readonly string[];
  readonly weak: readonly string[];
}

interface StoredReferrer {
  readonly h?: readonly string[];
  readonly w?: readonly string[];
}

/** How many referrers a message names, and how many are looked at for it. */
const maxNamed = 5;
const maxListed = 100;
/** A save that removes more nodes than this looks through all references once, instead of through those of each node. */
const maxRanges = 100;

/**
 * A new Reference must name a node the user can see, and a node that a Reference names must not go; WeakReference and Path are
 * free. @throws CONSTRAINT_VIOLATION
 */
export async function keepReferences(attempt: SaveAttempt): Promise<SaveContribution> {
  const { plan } = attempt;
  // Most saves: nothing goes, and nothing they change refers.
  if (plan.removed.length === 0 && ![...plan.nodes.values()].some(changesReferences)) return {};
  const before = new Map<string, NodeRecord>();
  for (const { nodes } of plan.removed) for (const { path, record } of nodes) before.set(path, record);
  for (const { path, origin, inPlace } of plan.nodes.values()) if (inPlace && origin) before.set(path, origin.record);
  const writes = referenceWrites(plan, before);
  const preconditions = [...(await requireTargets(attempt)), ...(await releaseTargets(attempt, before))];
  return { preconditions, writes };
}

function changesReferences({ record, origin, changed, inPlace }: PlannedNode): boolean {
  // What moved is at another path, by which its references are kept.
  const names = inPlace ? changed : record.properties.keys();
  for (const name of names) {
    if (isReference(record.properties.get(name)) || isReference(origin?.record.properties.get(name))) return true;
  }
  return false;
}

function isReference(property: Property | undefined): boolean {
  return property?.type === 'Reference' || property?.type === 'WeakReference';
}

/** Records that differ between the nodes before and after. */
function referenceWrites(plan: SavePlan, before: ReadonlyMap<string, NodeRecord>): Write[] {
  const writes: Write[] = [];
  for (const path of new Set([...before.keys(), ...plan.nodes.keys()])) {
    const old = encodedReferences(before.get(path));
    const next = encodedReferences(plan.nodes.get(path)?.record);
    for (const target of old.keys()) {
      if (!next.has(target)) writes.push({ key: referenceKey(target, path), remove: true });
    }
    for (const [target, value] of next) {
      if (old.get(target) !== value) writes.push({ key: referenceKey(target, path), value });
    }
  }
  return writes;
}

/** Values of the records of one node, by target. */
export function encodedReferences(record: NodeRecord | undefined): Map<string, string> {
  const encoded = new Map<string, string>();
  if (!record) return encoded;
  const targets = new Map<string, { h: Set<string>; w: Set<string> }>();
  for (const [name, property] of record.properties) {
    if (!isReference(property)) continue;
    for (const target of textsOf(record, name)) {
      const names = targets.get(target) ?? { h: new Set(), w: new Set() };
      (property.type === 'Reference' ? names.h : names.w).add(name);
      targets.set(target, names);
    }
  }
  for (const [target, { h, w }] of targets) {
    encoded.set(
      target,
      JSON.stringify({ ...(h.size > 0 && { h: [...h].sort() }), ...(w.size > 0 && { w: [...w].sort() }) }),
    );
  }
  return encoded;
}

async function requireTargets({ plan, snapshot, evaluator }: SaveAttempt): Promise<Precondition[]> {
  const references = [...plan.nodes.values()].flatMap(newReferences);
  if (references.length === 0) return [];
  const planned = new Set([...plan.nodes.values()].map(({ record }) => record.identifier));
  const gone = new Set(plan.removed.flatMap(({ nodes }) => nodes.map(({ record }) => record.identifier)));
  const elsewhere = references.filter(({ target }) => !planned.has(target));
  const entries = await snapshot.getMany(elsewhere.map(({ target }) => identifierKey(target)));
  const paths = evaluator.goesByType ? entries.flatMap((entry) => entry?.value ?? []) : [];
  const targets = await readStoredNodes(snapshot, paths);
  return elsewhere.map(({ path, name, target }, index): Precondition => {
    const entry = entries[index];
    if (!entry || gone.has(target) || !evaluator.canRead(entry.value, targets.get(entry.value)?.record)) {
      throw new RepositoryError(
        'CONSTRAINT_VIOLATION',
        `The node ${path} refers in ${name} to ${target}, and there is no such node.`,
        { paths: [path] },
      );
    }
    return { kind: 'exists', key: identifierKey(target) };
  });
}

/** References whose targets the node did not have in that property before. */
function newReferences({ path, record, origin }: PlannedNode): { path: string; name: string; target: string }[] {
  return [...record.properties].flatMap(([name, property]) => {
    if (property.type !== 'Reference' || property === origin?.record.properties.get(name)) return [];
    const known = origin?.record.properties.get(name)?.type === 'Reference' ? textsOf(origin.record, name) : [];
    return textsOf(record, name).flatMap((target) => (known.includes(target) ? [] : [{ path, name, target }]));
  });
}

/**
 * For every node that goes: no Reference from elsewhere may be left, and none may come until the commit.
 * A concurrent save that adds one has the target's existence as its own precondition, so one of the two fails.
 */
async function releaseTargets(
  { plan, snapshot, evaluator }: SaveAttempt,
  before: ReadonlyMap<string, NodeRecord>,
): Promise<Precondition[]> {
  const kept = new Set([...plan.nodes.values()].map(({ record }) => record.identifier));
  const gone = new Map<string, string>();
  for (const { path, record } of plan.removed.flatMap(({ nodes }) => nodes)) {
    if (!kept.has(record.identifier)) gone.set(record.identifier, path);
  }
  if (gone.size === 0) return [];
  const left = new Map<string, string[]>();
  const note = (target: string, referrer: string) => {
    const referrers = left.get(target) ?? [];
    if (referrers.length < maxListed) left.set(target, [...referrers, referrer]);
  };
  const ranges = gone.size > maxRanges ? [referenceKeys] : [...gone.keys()].map(referencesRange);
  for (const range of ranges) {
    for await (const { target, path, hard } of storedReferrers(snapshot, range)) {
      // What this save itself writes or removes is looked at below, or refers no longer.
      if (hard.length > 0 && gone.has(target) && !before.has(path)) note(target, path);
    }
  }
  for (const { path, record } of plan.nodes.values()) {
    for (const { type, values } of record.properties.values()) {
      if (type !== 'Reference') continue;
      for (const target of values) if (typeof target === 'string' && gone.has(target)) note(target, path);
    }
  }
  for (const [target, path] of gone) {
    const referrers = left.get(target);
    if (referrers) throw stillReferred(path, referrers, (referrer) => evaluator.canRead(referrer));
  }
  return ranges.map((range) => ({ kind: 'unchanged', range, since: snapshot.sequence }));
}

function stillReferred(path: string, referrers: readonly string[], canRead: (path: string) => boolean) {
  const readable = [...new Set(referrers)].filter(canRead);
  const named = readable.slice(0, maxNamed).join(', ');
  const others = readable.length > maxNamed || readable.length < new Set(referrers).size;
  const who = named === '' ? 'other nodes refer' : `${named}${others ? ' and others' : ''} refer`;
  return new RepositoryError(
    'CONSTRAINT_VIOLATION',
    `The node ${path} cannot be removed: ${who} to it. Remove these references first, or with it.`,
    { paths: [path, ...readable.slice(0, maxNamed)] },
  );
}

/** Records of a range of references, in the order of targets and paths. */
async function* storedReferrers(snapshot: StoreSnapshot, range: KeyRange): AsyncGenerator<Referrer> {
  for await (const batch of snapshot.range(range)) {
    for (const { key, value } of batch) {
      const { h = [], w = [] } = JSON.parse(value) as StoredReferrer;
      yield { target: targetOfReferenceKey(key), path: pathOfReferenceKey(key), hard: h, weak: w };
    }
  }
}

/**
 * Properties that refer to a node, with the session's changes: by path for those in the store, then those it changed.
 * Takes only paths that `canRead`.
 */
export async function* findReferences(
  { shared, transient }: SessionView,
  identifier: string,
  canRead: (path: string) => boolean,
): AsyncGenerator<Reference> {
  const snapshot = shared.acquire();
  try {
    for await (const { path, hard, weak } of storedReferrers(snapshot, referencesRange(identifier))) {
      if (!canRead(path) || transient.get(path) || transient.isRemoved(path)) continue;
      for (const property of hard) yield { path, property, weak: false };
      for (const property of weak) yield { path, property, weak: true };
    }
    for (const { path, record } of transient.nodes()) {
      if (!canRead(path)) continue;
      for (const [property, { type, values }] of record.properties) {
        if (type !== 'Reference' && type !== 'WeakReference') continue;
        if (values.includes(identifier)) yield { path, property, weak: type === 'WeakReference' };
      }
    }
  } finally {
    await shared.release();
  }
}
