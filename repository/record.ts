/** A node as one record of the store: JSON text, short and readable. */
import { valueText } from './convert-value.js';
import { RepositoryError } from './errors.js';
import type { BinaryValue, Property, PropertyType, Value } from './value.js';

/** Shared between sessions and never changed; a change makes a new record. */
export interface NodeRecord {
  readonly identifier: string;
  /** Place among its siblings, below orderable parents (child-position.ts). */
  readonly position?: string | undefined;
  /**
   * Nothing lies below it, so that nobody need look. Every new node without children has the mark, and the commit that adds the
   * first child takes it away; without it nothing is said. Only stored records have it.
   */
  readonly leaf?: boolean | undefined;
  /** Holds jcr:primaryType, and jcr:mixinTypes where there are any. */
  readonly properties: ReadonlyMap<string, Property>;
}

export function primaryTypeOf(record: NodeRecord): string {
  return textOf(record, 'jcr:primaryType') ?? '';
}

export function mixinsOf(record: NodeRecord): readonly string[] {
  return textsOf(record, 'jcr:mixinTypes');
}

/** First value as text; `undefined` when absent or binary. */
export function textOf(record: NodeRecord, name: string): string | undefined {
  const value = record.properties.get(name)?.values[0];
  return value === undefined ? undefined : valueText(value);
}

/** Values as text, binaries left out. */
export function textsOf(record: NodeRecord, name: string): readonly string[] {
  const property = record.properties.get(name);
  // Asked of every node for its mixins, which most have none of.
  return property ? property.values.flatMap((value) => valueText(value) ?? []) : nothing;
}

const nothing: readonly string[] = [];

/**
 * `{"i": identifier, "l": 1 for a leaf, "o": position, "p": {name: value}}`. A single String is a plain JSON string; every other property an
 * array: its type (`Long`, with `[]` when multiple), then its values.
 */
interface StoredNode {
  readonly i: string;
  readonly l?: 1;
  readonly o?: string;
  readonly p: Readonly<Record<string, StoredProperty>>;
}
type StoredValue = string | number | boolean | BinaryValue;
type StoredProperty = string | readonly [string, ...StoredValue[]];

/** Written piece by piece, which takes half the time of building the object for `JSON.stringify`. */
export function encodeRecord({ identifier, leaf, position, properties }: NodeRecord): string {
  let p = '';
  for (const [name, property] of properties) {
    p += `${p === '' ? '' : ','}${quoted(name)}:${encodeProperty(property)}`;
  }
  const o = position === undefined ? '' : `,"o":${quoted(position)}`;
  return `{"i":${quoted(identifier)}${leaf ? ',"l":1' : ''}${o},"p":{${p}}}`;
}

/** @param path for the message @throws STORE_CORRUPT */
export function decodeRecord(path: string, text: string): NodeRecord {
  try {
    const stored = JSON.parse(text) as StoredNode;
    const properties = new Map<string, Property>();
    for (const name of Object.keys(stored.p)) {
      const value = stored.p[name];
      if (value !== undefined) properties.set(name, decodeProperty(value));
    }
    return { identifier: stored.i, leaf: stored.l === 1, position: stored.o, properties };
  } catch (cause) {
    throw new RepositoryError('STORE_CORRUPT', `The record of ${path} does not parse; restore the data folder.`, {
      paths: [path],
      cause,
    });
  }
}

function encodeProperty({ type, multiple, values }: Property): string {
  const [first] = values;
  if (type === 'String' && !multiple && typeof first === 'string') return quoted(first);
  let encoded = multiple ? `["${type}[]"` : `["${type}"`;
  for (const value of values) encoded += `,${encodeValue(value)}`;
  return `${encoded}]`;
}

function encodeValue(value: Value): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'bigint':
      return `"${value}"`;
    case 'number':
      // JSON has neither these numbers nor a negative zero.
      if (Object.is(value, -0)) return '"-0"';
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    default:
      return JSON.stringify(value);
  }
}

/** `JSON.stringify` escapes these, and nothing else. */
// eslint-disable-next-line no-control-regex
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/;

function quoted(text: string): string {
  return escaped.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function decodeProperty(stored: StoredProperty): Property {
  if (typeof stored === 'string') return { type: 'String', multiple: false, values: [stored] };
  const [label] = stored;
  const multiple = label.endsWith('[]');
  const type = (multiple ? label.slice(0, -2) : label) as PropertyType;
  const values: Value[] = [];
  for (let index = 1; index < stored.length; index++) values.push(decodeValue(type, stored[index] as StoredValue));
  return { type, multiple, values };
}

function decodeValue(type: PropertyType, value: StoredValue): Value {
  if (typeof value !== 'string') return value;
  if (type === 'Long') return BigInt(value);
  if (type === 'Double') return Number(value);
  return value;
}
