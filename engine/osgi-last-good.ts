/** Remembers, over restarts, the last version of every OSGi configuration that could be used. */
import { createHash } from 'node:crypto';
import { osgiRecordsRoot } from '../activities/satchel/bootstrap-repository.js';
import { saveChanges } from '../dam/save-changes.js';
import type { Session } from '../repository/api.js';
import type { OsgiProperties } from '../repository/osgi/configuration.js';
import { readConfigurationData, type ConfigurationSource } from '../repository/osgi/find-configurations.js';
import { writeConfigurationJson } from '../repository/osgi/write-configuration-json.js';
import type { BinaryValue } from '../repository/value.js';

export interface LastGood {
  /** Of the record. */
  readonly record: string;
  /** Of the configuration. */
  readonly path: string;
  readonly data: BinaryValue;
  /** A node is kept as the text of a `.cfg.json` file. */
  readonly isNode: boolean;
}

/** By the path of the configuration. */
export async function readLastGood(session: Session): Promise<Map<string, LastGood>> {
  const records = new Map<string, LastGood>();
  for await (const node of session.children(osgiRecordsRoot)) {
    const path = node.text('path');
    const data = node.binary('data');
    if (path === undefined || !data) continue;
    records.set(path, { record: node.path, path, data, isNode: node.boolean('isNode') ?? false });
  }
  return records;
}

/** @throws RepositoryError INVALID_CONTENT_FILE, BLOB_MISSING */
export function readLastGoodVersion(session: Session, { path, data, isNode }: LastGood): Promise<OsgiProperties> {
  return readConfigurationData(session, data, isNode ? `${path}.cfg.json` : path);
}

interface Evaluated {
  readonly source: ConfigurationSource;
  /** Never with secrets that placeholders stand for. */
  readonly written: OsgiProperties | undefined;
  readonly problems: readonly unknown[];
}

/** Records what is good now, and forgets what lies there no more. Saves only where something changed. */
export async function keepLastGood(
  session: Session,
  records: ReadonlyMap<string, LastGood>,
  evaluated: readonly Evaluated[],
): Promise<void> {
  const present = new Set(evaluated.map(({ source }) => source.path));
  const gone = [...records.values()].filter(({ path }) => !present.has(path));
  const changed: { readonly path: string; readonly data: BinaryValue; readonly isNode: boolean }[] = [];
  for (const { source, written, problems } of evaluated) {
    if (!written || problems.length > 0) continue;
    const { path } = source;
    const data = source.data ?? (await session.createBinary(writeConfigurationJson(written)));
    if (records.get(path)?.data.sha256 !== data.sha256) changed.push({ path, data, isNode: !source.data });
  }
  if (gone.length + changed.length === 0) return;
  await saveChanges(session, async () => {
    for (const { record } of gone) if (await session.findNode(record)) await session.remove(record);
    for (const { path, data, isNode } of changed) {
      const name = createHash('sha256').update(path).digest('hex').slice(0, 32);
      const record = await session.ensureNode(`${osgiRecordsRoot}/${name}`, { primaryType: 'nt:unstructured' });
      await session.setProperties(record.path, { path, data, isNode });
    }
  });
}
