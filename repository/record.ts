/** A node as one record of the store: JSON text, short and readable. */
import { valueText } from './convert-value.js';
import { RepositoryError } from './errors.js';
import type { BinaryValue, Property, PropertyType, Value } from './value.js';

/** Shared between sessions and never changed; a change makes a new record. */
export interface NodeRecord {
  readonly identifier: string;
  /** Place among its siblings, below orderable parents (child-position.ts). */
  readonly position?: string | undefined;
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
  return (record.properties.get(name)?.values ?? []).flatMap((value) => valueText(value) ?? []);
}

/**
 * `{"i": identifier, "o": position, "p": {name: value}}`. A single String is a plain JSON string; every other property an
 * array: its type (`Long`, with `[]` when multiple), then its values.
 */
interface StoredNode {
  readonly i: string;
  readonly o?: string;
  readonly p: Readonly<Record<string, StoredProperty>>;
}
type StoredValue = string | number | boolean | BinaryValue;
type StoredProperty = string | readonly [string, ...StoredValue[]];

export function encodeRecord(record: NodeRecord): string {
  // No prototype: a property may be named `__proto__`.
  const p = Object.create(null) as Record<string, StoredProperty>;
  for (const [name, property] of record.properties) p[name] = encodeProperty(property);
  const stored: StoredNode = {
    i: record.identifier,
    ...(record.position === undefined ? {} : { o: record.position }),
    p,
  };
  return JSON.stringify(stored);
}

/** @param path for the message @throws STORE_CORRUPT */
export function decodeRecord(path: string, text: string): NodeRecord {
  try {
    const stored = JSON.parse(text) as StoredNode;
    const properties = new Map<string, Property>();
    for (const [name, value] of Object.entries(stored.p)) properties.set(name, decodeProperty(value));
    return { identifier: stored.i, position: stored.o, properties };
  } catch (cause) {
    throw new RepositoryError('STORE_CORRUPT', `The record of ${path} does not parse; restore the data folder.`, {
      paths: [path],
      cause,
    });
  }
}

function encodeProperty({ type, multiple, values }: Property): StoredProperty {
  const [first] = values;
  if (type === 'String' && !multiple && typeof first === 'string') return first;
  return [multiple ? `${type}[]` : type, ...values.map(encodeValue)];
}

function encodeValue(value: Value): StoredValue {
  if (typeof value === 'bigint') return value.toString();
  // JSON has neither these numbers nor a negative zero.
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return Object.is(value, -0) ? '-0' : String(value);
  }
  return value;
}

function decodeProperty(stored: StoredProperty): Property {
  if (typeof stored === 'string') return { type: 'String', multiple: false, values: [stored] };
  const [label, ...values] = stored;
  const multiple = label.endsWith('[]');
  const type = (multiple ? label.slice(0, -2) : label) as PropertyType;
  return { type, multiple, values: values.map((value) => decodeValue(type, value)) };
}

function decodeValue(type: PropertyType, value: StoredValue): Value {
  if (typeof value !== 'string') return value;
  if (type === 'Long') return BigInt(value);
  if (type === 'Double') return Number(value);
  return value;
}
