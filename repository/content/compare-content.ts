/** What to do for each node of a content folder: a pure comparison of the files, the last import and the repository. */
import { isDescendantOrSelf } from '../path.js';
import type { Property } from '../value.js';
import { fingerprint } from './fingerprint.js';
import type { ImportedNode, ImportRecord } from './import-record.js';

/** A node as the files want it. */
export interface WantedNode {
  readonly path: string;
  /** Relative to the content folder; `''` for a folder that no file speaks of. */
  readonly file: string;
  readonly line: number;
  /** With jcr:primaryType; binaries have their hash, not yet their bytes. */
  readonly properties: ReadonlyMap<string, Property>;
}

export interface KeptEdit {
  readonly path: string;
  readonly file: string;
  readonly reason: string;
}

export interface ContentComparison {
  readonly add: readonly WantedNode[];
  readonly update: readonly WantedNode[];
  /** Nodes whose file is gone, unedited. */
  readonly remove: readonly ImportedNode[];
  readonly unchanged: number;
  /** Where the repository's own state wins over the file. */
  readonly kept: readonly KeptEdit[];
  readonly record: ImportRecord;
}

export interface ContentState {
  /** Parents first, siblings in child order. */
  readonly wanted: readonly WantedNode[];
  readonly record: ImportRecord;
  /** Properties of the nodes of both, as they are in the repository. */
  readonly current: ReadonlyMap<string, ReadonlyMap<string, Property>>;
  /** Files whose last good version stays in force. */
  readonly heldBack: ReadonlySet<string>;
  /** Paths that another content folder brought as well. */
  readonly shared: ReadonlySet<string>;
}

export function compareContent({ wanted, record, current, heldBack, shared }: ContentState): ContentComparison {
  const add: WantedNode[] = [];
  const update: WantedNode[] = [];
  const kept: KeptEdit[] = [];
  const nextRecord: ImportedNode[] = [];
  const imported = new Map(record.map((node) => [node.path, node]));
  const seen = new Set<string>();
  let removedSubtree: string | undefined;
  let unchanged = 0;

  for (const declared of wanted) {
    const before = imported.get(declared.path);
    const isHeldBack = heldBack.has(declared.file);
    if (before && (isHeldBack || heldBack.has(before.file))) {
      nextRecord.push(before);
      seen.add(before.path);
      continue;
    }
    // There is no good version yet: nothing, or a folder for what other files put below it.
    if (isHeldBack && !holdsOtherFiles(declared, wanted, heldBack)) continue;
    const node = isHeldBack ? asFolder(declared) : declared;
    const want = fingerprint(node.properties);
    seen.add(node.path);
    const keep = (reason: string) => {
      kept.push({ path: node.path, file: node.file, reason });
      if (before) nextRecord.push(before);
    };
    const write = (into: WantedNode[]) => {
      into.push(node);
      nextRecord.push({ path: node.path, file: node.file, fingerprint: want });
    };
    if (removedSubtree !== undefined && isDescendantOrSelf(node.path, removedSubtree)) {
      if (before) nextRecord.push(before);
      continue;
    }
    const now = current.get(node.path);
    if (!now) {
      if (before) {
        keep('it was removed in the repository');
        removedSubtree = node.path;
      } else write(add);
      continue;
    }
    const is = fingerprint(now);
    const isAsImported = before?.fingerprint === is;
    if (is === want) {
      unchanged++;
      if (before || node.file !== '') nextRecord.push({ path: node.path, file: node.file, fingerprint: want });
    } else if (node.file === '' && !isAsImported) {
      // The files say nothing about a folder that the repository has made more of.
      unchanged++;
      if (before) nextRecord.push(before);
    } else if (isAsImported || (!before && isBareFolder(now))) write(update);
    else keep(before ? 'it was edited in the repository' : 'the repository had it already, with other content');
  }

  const remove: ImportedNode[] = [];
  for (const node of record) {
    if (seen.has(node.path)) continue;
    const now = current.get(node.path);
    if (heldBack.has(node.file)) nextRecord.push(node);
    else if (shared.has(node.path)) continue;
    else if (now && fingerprint(now) === node.fingerprint) remove.push(node);
    else if (now)
      kept.push({ path: node.path, file: node.file, reason: 'its file is gone, but it was edited in the repository' });
  }
  return { add, update, remove, unchanged, kept, record: nextRecord };
}

function holdsOtherFiles(node: WantedNode, wanted: readonly WantedNode[], heldBack: ReadonlySet<string>): boolean {
  return wanted.some(({ path, file }) => file !== '' && !heldBack.has(file) && path.startsWith(`${node.path}/`));
}

function asFolder({ path }: WantedNode): WantedNode {
  return { path, file: '', line: 1, properties: folderProperties };
}

export const folderProperties: ReadonlyMap<string, Property> = new Map([
  ['jcr:primaryType', { type: 'Name', multiple: false, values: ['sling:Folder'] }],
]);

/** A folder made on the way to something else: nobody wrote anything into it yet. */
function isBareFolder(properties: ReadonlyMap<string, Property>): boolean {
  return fingerprint(properties) === fingerprint(folderProperties);
}
