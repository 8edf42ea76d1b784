/** The records of a history (version-keys.ts) as what they mean. */
import type { NodeRecord } from '../record.js';
import { decodeRecord, encodeRecord, textOf, textsOf } from '../record.js';
import type { StoreSnapshot, Write } from '../store/contract.js';
import type { Property, Value } from '../value.js';
import { historyKey, labelsKey, nameOfVersion, versionKey, versionsRange } from './version-keys.js';

export interface History {
  readonly identifier: string;
  /** Number of the base version. */
  readonly base: number;
  /** The highest number given so far, also when that version was removed. */
  readonly last: number;
  /** Sequence of the commit that last changed the history; 0 while there is none. */
  readonly version: number;
}

export interface VersionInfo {
  readonly number: number;
  readonly predecessors: readonly string[];
  readonly path: string;
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string | undefined;
  readonly nodes: number;
}

/** Version name by label. */
export type Labels = ReadonlyMap<string, string>;

export async function readHistory(snapshot: StoreSnapshot, identifier: string): Promise<History | undefined> {
  const [stored] = await snapshot.getMany([historyKey(identifier)]);
  if (!stored) return undefined;
  const record = decode(identifier, stored.value);
  return {
    identifier,
    base: Number(textOf(record, 'baseVersion')),
    last: Number(textOf(record, 'lastVersion')),
    version: stored.version,
  };
}

export function historyWrite({ identifier, base, last }: Omit<History, 'version'>): Write {
  return record(historyKey(identifier), identifier, { baseVersion: long(base), lastVersion: long(last) });
}

export async function readVersion(
  snapshot: StoreSnapshot,
  identifier: string,
  number: number,
): Promise<VersionInfo | undefined> {
  const [stored] = await snapshot.getMany([versionKey(identifier, number)]);
  return stored && versionOf(decode(identifier, stored.value));
}

/** Newest first. */
export async function* readVersions(snapshot: StoreSnapshot, identifier: string): AsyncGenerator<VersionInfo> {
  for await (const batch of snapshot.range(versionsRange(identifier), { reverse: true })) {
    for (const { value } of batch) yield versionOf(decode(identifier, value));
  }
}

export async function newestVersion(snapshot: StoreSnapshot, identifier: string): Promise<VersionInfo | undefined> {
  for await (const info of readVersions(snapshot, identifier)) return info;
  return undefined;
}

export function versionWrite(identifier: string, info: VersionInfo): Write {
  return record(versionKey(identifier, info.number), `${identifier} ${nameOfVersion(info.number)}`, {
    number: long(info.number),
    predecessors: strings(info.predecessors),
    path: string(info.path),
    'jcr:created': { type: 'Date', multiple: false, values: [info.created] },
    'jcr:createdBy': string(info.createdBy),
    ...(info.comment !== undefined && { comment: string(info.comment) }),
    nodes: long(info.nodes),
  });
}

export async function readLabels(snapshot: StoreSnapshot, identifier: string): Promise<Labels> {
  const [stored] = await snapshot.getMany([labelsKey(identifier)]);
  if (!stored) return new Map();
  const record = decode(identifier, stored.value);
  return new Map([...record.properties.keys()].map((label) => [label, textOf(record, label) ?? '']));
}

export function labelsWrite(identifier: string, labels: Labels): Write {
  const properties = new Map([...labels].map(([label, version]) => [label, string(version)]));
  return { key: labelsKey(identifier), value: encodeRecord({ identifier, properties }) };
}

function versionOf(info: NodeRecord): VersionInfo {
  return {
    number: Number(textOf(info, 'number')),
    predecessors: textsOf(info, 'predecessors'),
    path: textOf(info, 'path') ?? '/',
    created: textOf(info, 'jcr:created') ?? '',
    createdBy: textOf(info, 'jcr:createdBy') ?? '',
    comment: textOf(info, 'comment'),
    nodes: Number(textOf(info, 'nodes')),
  };
}

function decode(identifier: string, text: string): NodeRecord {
  return decodeRecord(`the history of ${identifier}`, text);
}

function record(key: string, identifier: string, properties: Readonly<Record<string, Property>>): Write {
  return { key, value: encodeRecord({ identifier, properties: new Map(Object.entries(properties)) }) };
}

function string(value: string): Property {
  return { type: 'String', multiple: false, values: [value] };
}

function strings(values: readonly Value[]): Property {
  return { type: 'String', multiple: true, values };
}

function long(value: number): Property {
  return { type: 'Long', multiple: false, values: [value] };
}
