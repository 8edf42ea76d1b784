/**
 * What an import left behind, kept at /var/satchel/content/<mount>: for every node the file it came from and a fingerprint
 * of what was written. It tells an edit in the repository from an edit of the file, and which nodes to remove with it.
 */
import type { Session } from '../api.js';

const recordsRoot = '/var/satchel/content';

export interface ImportedNode {
  readonly path: string;
  /** Relative to the content folder; `''` for a folder that no file speaks of. */
  readonly file: string;
  readonly fingerprint: string;
}

/** In the order of the import: parents first, siblings in child order. */
export type ImportRecord = readonly ImportedNode[];

export async function readImportRecord(session: Session, mount: string): Promise<ImportRecord> {
  const node = await session.findNode(`${recordsRoot}/${mount}`);
  const data = node?.binary('data');
  if (!data) return [];
  const text = Buffer.from(await session.readBinary(data)).toString('utf8');
  return (JSON.parse(text) as [string, string, string][]).map(([path, file, fingerprint]) => ({
    path,
    file,
    fingerprint,
  }));
}

/** Paths that other folders brought as well, so that removing a file here does not take theirs. */
export async function pathsOfOtherMounts(session: Session, mount: string): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  for (const other of await recordedMounts(session)) {
    if (other.mount === mount) continue;
    for (const { path } of await readImportRecord(session, other.mount)) paths.add(path);
  }
  return paths;
}

export async function recordedMounts(session: Session): Promise<{ mount: string; target: string }[]> {
  const mounts: { mount: string; target: string }[] = [];
  for await (const node of session.children(recordsRoot)) {
    mounts.push({ mount: node.name, target: node.text('target') ?? '' });
  }
  return mounts;
}

/** Does not save. */
export async function removeImportRecord(session: Session, mount: string): Promise<void> {
  await session.remove(`${recordsRoot}/${mount}`);
}

/** Does not save. */
export async function writeImportRecord(
  session: Session,
  mount: string,
  target: string,
  record: ImportRecord,
): Promise<void> {
  const data = await session.createBinary(
    JSON.stringify(record.map(({ path, file, fingerprint }) => [path, file, fingerprint])),
  );
  await session.ensureNode(`${recordsRoot}/${mount}`, {}, 'sling:Folder');
  await session.setProperties(`${recordsRoot}/${mount}`, { target, data });
}

export function sameRecord(a: ImportRecord, b: ImportRecord): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
