/**
 * Reads everything a repository holds and says what does not fit together. One snapshot, in the order of the keys, a batch at a
 * time: memory depends on the number of blobs (some 30 bytes each), never on that of nodes.
 */
import { policyName } from '../access/controlled-path.js';
import { decodeBlobMark } from '../blob-marks.js';
import {
  blobMarkKeys,
  identifierKey,
  nodeKey,
  pathOfNodeKey,
  pathOfPolicyKey,
  pathOfReferenceKey,
  policyKey,
  policyKeys,
  referenceKey,
  referenceKeys,
  targetOfReferenceKey,
} from '../keys.js';
import { commitsAfter } from '../observation.js';
import { assertPath, joinPath, nameOf, parentOf } from '../path.js';
import { decodeRecord, encodeRecord, primaryTypeOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import { encodedReferences } from '../references.js';
import type { RepositoryStores } from '../repository.js';
import type { KeyRange, StoredEntry, StoreSnapshot } from '../store/contract.js';
import { BlobCheck } from './check-blobs.js';
import { finding } from './finding.js';
import type { Finding } from './finding.js';
import { repaired } from './repair.js';
import type { Repair } from './repair.js';

export interface CheckOptions {
  /** Also reads every blob and compares its hash and checksum. */
  readonly deep?: boolean;
  /** Puts right what can be derived from the nodes: records of identifiers and of policies. Never deletes content. */
  readonly repair?: boolean;
  readonly signal?: AbortSignal;
  /** Once for each batch. */
  readonly onProgress?: (progress: CheckProgress) => void;
}

export interface CheckProgress {
  readonly nodes: number;
  /** Records of all kinds, nodes included. */
  readonly records: number;
}

const all = (prefix: string, end: string): KeyRange => ({ gte: prefix, lt: end });

/** Findings as they come; none: everything fits. */
export async function* checkRepository(stores: RepositoryStores, options: CheckOptions = {}): AsyncGenerator<Finding> {
  const check = new RepositoryCheck(stores, await stores.nodes.snapshot(), options);
  try {
    yield* check.run();
  } finally {
    await check.close();
  }
}

/** A node of the batch that is checked. */
interface CheckedNode {
  readonly entry: StoredEntry;
  readonly path: string;
  readonly record: NodeRecord;
}

class RepositoryCheck {
  #nodes = 0;
  #records = 0;
  #lastParent: string | undefined;

  constructor(
    private readonly stores: RepositoryStores,
    private snapshot: StoreSnapshot,
    private readonly options: CheckOptions,
  ) {}

  async close(): Promise<void> {
    await this.snapshot.close();
  }

  async *run(): AsyncGenerator<Finding> {
    const blobs = await BlobCheck.create(this.stores.blobs, this.options.deep ?? false);
    // The records of an empty store fit together.
    if (this.snapshot.sequence > 0 && !(await this.#hasRoot()))
      yield finding('PARENT_MISSING', '/', 'there is no root');
    yield* this.#each(all('n', 'o'), (batch) => this.#checkNodes(batch, blobs));
    // A history whose node is gone is what a history is for.
    yield* this.#each(all('v', 'w'), async function* (batch) {
      for (const entry of batch) yield* blobs.checkVersion(entry);
    });
    if (this.options.repair) await this.#moveOn();
    yield* this.#each(all('i', 'j'), (batch) => this.#checkIdentifiers(batch));
    yield* this.#each(policyKeys, (batch) => this.#checkPolicies(batch));
    yield* this.#each(referenceKeys, (batch) => this.#checkReferences(batch));
    yield* this.#each(blobMarkKeys, (batch) => this.#checkMarks(batch));
    yield* this.#checkJournal();
    yield* blobs.checkOthers();
  }

  /** What was just repaired is not reported again. */
  async #moveOn(): Promise<void> {
    const newest = await this.stores.nodes.snapshot();
    await this.snapshot.close();
    this.snapshot = newest;
  }

  /** A part that cannot be read on is reported, and the next one is checked. */
  async *#each(
    range: KeyRange,
    check: (batch: readonly StoredEntry[]) => Iterable<Finding> | AsyncIterable<Finding>,
  ): AsyncGenerator<Finding> {
    let last = range.gte;
    try {
      for await (const batch of this.snapshot.range(range)) {
        this.options.signal?.throwIfAborted();
        yield* check(batch);
        last = batch.at(-1)?.key ?? last;
        this.#records += batch.length;
        this.options.onProgress?.({ nodes: this.#nodes, records: this.#records });
      }
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      yield finding('STORE_UNREADABLE', JSON.stringify(last), `after this key: ${reasonOf(error)}`);
    }
  }

  async #hasRoot(): Promise<boolean> {
    const [root] = await this.snapshot.getMany([nodeKey('/')]);
    return root !== undefined;
  }

  async *#checkNodes(batch: readonly StoredEntry[], blobs: BlobCheck): AsyncGenerator<Finding> {
    this.#nodes += batch.length;
    const nodes: CheckedNode[] = [];
    for (const entry of batch) {
      const read = readNode(entry);
      if ('code' in read) yield read;
      else nodes.push(read);
    }
    yield* this.#checkParents(nodes);
    yield* this.#checkOwnIdentifiers(nodes);
    yield* this.#checkOwnPolicies(nodes.filter(({ path }) => nameOf(path) === policyName));
    yield* this.#checkOwnReferences(nodes);
    for (const { path, record } of nodes) yield* blobs.checkNode(path, record);
  }

  async *#checkParents(nodes: readonly CheckedNode[]): AsyncGenerator<Finding> {
    // Siblings come together, so a batch has few parents.
    const parents = [...new Set(nodes.map(({ path }) => parentOf(path)))].filter((path) => path !== '');
    const found = await this.snapshot.getMany(parents.map(nodeKey));
    const missing = new Set(parents.filter((_, index) => !found[index]));
    for (const { path } of nodes) if (missing.has(parentOf(path))) yield finding('PARENT_MISSING', path);
    for (const [index, path] of parents.entries()) {
      const entry = found[index];
      // Siblings that the batch before began were looked at there.
      if (path === this.#lastParent) continue;
      const record = entry && readableRecord(path, entry.value);
      if (!entry || !record?.leaf) continue;
      const key = nodeKey(path);
      yield await this.#report('LEAF_WITH_CHILDREN', path, undefined, {
        write: { key, value: encodeRecord({ ...record, leaf: false }) },
        seen: [{ key, version: entry.version }],
        changed: { kind: 'propertiesChanged', path, primaryType: primaryTypeOf(record), properties: [] },
      });
    }
    this.#lastParent = parents.at(-1);
  }

  async *#checkOwnIdentifiers(nodes: readonly CheckedNode[]): AsyncGenerator<Finding> {
    const entries = await this.snapshot.getMany(nodes.map(({ record }) => identifierKey(record.identifier)));
    for (const [index, { entry, path, record }] of nodes.entries()) {
      const found = entries[index];
      if (found?.value === path) continue;
      const key = identifierKey(record.identifier);
      const seen = [
        { key, version: found?.version ?? 0 },
        { key: entry.key, version: entry.version },
      ];
      if (found) {
        const [other] = await this.snapshot.getMany([nodeKey(found.value)]);
        if (other && identifierOf(found.value, other.value) === record.identifier) {
          yield finding('IDENTIFIER_SHARED', path, `${record.identifier} is also that of ${found.value}`);
          continue;
        }
        seen.push({ key: nodeKey(found.value), version: other?.version ?? 0 });
      }
      yield await this.#report('IDENTIFIER_UNKNOWN', path, record.identifier, { write: { key, value: path }, seen });
    }
  }

  async *#checkOwnPolicies(policies: readonly CheckedNode[]): AsyncGenerator<Finding> {
    const keys = policies.map(({ path }) => policyKey(parentOf(path)));
    const entries = await this.snapshot.getMany(keys);
    for (const [index, { entry, path }] of policies.entries()) {
      if (entries[index]) continue;
      const key = keys[index] ?? '';
      yield await this.#report('POLICY_UNKNOWN', path, undefined, {
        write: { key, value: '' },
        seen: [entry, { key, version: 0 }],
        touchesPolicies: true,
      });
    }
  }

  async *#checkOwnReferences(nodes: readonly CheckedNode[]): AsyncGenerator<Finding> {
    const expected = nodes.flatMap(({ entry, path, record }) =>
      [...encodedReferences(record)].map(([target, value]) => ({ entry, path, target, value })),
    );
    if (expected.length === 0) return;
    const keys = expected.map(({ target, path }) => referenceKey(target, path));
    const records = await this.snapshot.getMany(keys);
    for (const [index, { entry, path, target, value }] of expected.entries()) {
      const found = records[index];
      if (found?.value === value) continue;
      const key = keys[index] ?? '';
      yield await this.#report('REFERENCE_UNKNOWN', path, target, {
        write: { key, value },
        seen: [entry, { key, version: found?.version ?? 0 }],
      });
    }
  }

  async *#checkReferences(batch: readonly StoredEntry[]): AsyncGenerator<Finding> {
    const wellFormed = batch.filter(({ key }) => /^r[^\0]+\0\//.test(key));
    for (const { key } of batch.filter((entry) => !wellFormed.includes(entry))) {
      yield finding('REFERENCE_MALFORMED', JSON.stringify(key));
    }
    const keys = wellFormed.map(({ key }) => nodeKey(pathOfReferenceKey(key)));
    const nodes = await this.snapshot.getMany(keys);
    for (const [index, entry] of wellFormed.entries()) {
      const node = nodes[index];
      const path = pathOfReferenceKey(entry.key);
      const target = targetOfReferenceKey(entry.key);
      if (node && mayReferTo(target, path, node.value)) continue;
      yield await this.#report('REFERENCE_STALE', path, target, {
        write: { key: entry.key, remove: true },
        seen: [entry, { key: keys[index] ?? '', version: node?.version ?? 0 }],
      });
    }
  }

  async *#checkIdentifiers(batch: readonly StoredEntry[]): AsyncGenerator<Finding> {
    const keys = batch.map(({ value }) => nodeKey(value));
    const nodes = await this.snapshot.getMany(keys);
    for (const [index, entry] of batch.entries()) {
      const node = nodes[index];
      const identifier = entry.key.slice(1);
      // What a record that does not parse had as its identifier is not known.
      const found = node && identifierOf(entry.value, node.value);
      if (node && (found === undefined || found === identifier)) continue;
      yield await this.#report('IDENTIFIER_STALE', entry.value, identifier, {
        write: { key: entry.key, remove: true },
        seen: [entry, { key: keys[index] ?? '', version: node?.version ?? 0 }],
      });
    }
  }

  async *#checkPolicies(batch: readonly StoredEntry[]): AsyncGenerator<Finding> {
    const keys = batch.map(({ key }) => nodeKey(joinPath(pathOfPolicyKey(key), policyName)));
    const nodes = await this.snapshot.getMany(keys);
    for (const [index, entry] of batch.entries()) {
      if (nodes[index]) continue;
      yield await this.#report('POLICY_STALE', pathOfPolicyKey(entry.key), undefined, {
        write: { key: entry.key, remove: true },
        seen: [entry, { key: keys[index] ?? '', version: 0 }],
        touchesPolicies: true,
      });
    }
  }

  async *#checkMarks(batch: readonly StoredEntry[]): AsyncGenerator<Finding> {
    for (const entry of batch) {
      try {
        decodeBlobMark(entry);
      } catch {
        const repair = { write: { key: entry.key, remove: true }, seen: [entry] } as const;
        yield await this.#report('MARK_UNREADABLE', entry.key.slice(1), undefined, repair);
      }
    }
  }

  async *#checkJournal(): AsyncGenerator<Finding> {
    const { nodes } = this.stores;
    let sequence = await nodes.journalStart();
    try {
      for await (const commit of commitsAfter(nodes, sequence)) {
        if (commit.sequence % 256 === 0) this.options.signal?.throwIfAborted();
        sequence = commit.sequence;
      }
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      yield finding('JOURNAL_DAMAGED', `commit ${sequence + 1}`, reasonOf(error));
    }
    const head = await nodes.head();
    for (const [name, position] of await nodes.cursors()) {
      if (position > head) yield finding('CURSOR_BEYOND', name, `${position}; the newest commit is ${head}`);
    }
  }

  async #report(code: Finding['code'], path: string, detail: string | undefined, repair: Repair): Promise<Finding> {
    const found = finding(code, path, detail);
    return this.options.repair ? repaired(this.stores.nodes, found, repair) : found;
  }
}

function readNode(entry: StoredEntry): CheckedNode | Finding {
  let path: string;
  try {
    path = assertPath(pathOfNodeKey(entry.key));
    if (nodeKey(path) !== entry.key) throw new Error('it is no key of a node');
  } catch (error) {
    return finding('KEY_MALFORMED', JSON.stringify(entry.key), reasonOf(error));
  }
  try {
    const record = decodeRecord(path, entry.value);
    if (typeof record.identifier !== 'string' || record.identifier === '') {
      return finding('RECORD_UNREADABLE', path, 'it has no identifier');
    }
    if (primaryTypeOf(record) === '') return finding('RECORD_UNREADABLE', path, 'it has no jcr:primaryType');
    return { entry, path, record };
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    return finding('RECORD_UNREADABLE', path, reasonOf(cause));
  }
}

/** True for a record that does not parse: nobody knows what it refers to. */
function mayReferTo(target: string, path: string, value: string): boolean {
  try {
    return encodedReferences(decodeRecord(path, value)).has(target);
  } catch {
    return true;
  }
}

/** `undefined` for a record that does not parse. */
function identifierOf(path: string, value: string): string | undefined {
  return readableRecord(path, value)?.identifier;
}

function readableRecord(path: string, value: string): NodeRecord | undefined {
  try {
    return decodeRecord(path, value);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
