/**
 * Values as text whose order is the order of the values. Conditions, orders and index keys all compare this text and nothing else,
 * so an index cannot mean anything else than the records it was made from. The first letter is the kind: `b` boolean, `d` moment,
 * `n` number, `s` text of any textual type.
 */
import { toDate } from '../convert-value.js';
import { compareKeys } from '../store/key-order.js';
import type { Property, PropertyType, Value } from '../value.js';
import type { QueryValue } from './query.js';

/** Index keys and orders hold this many characters of a text. */
export const maxIndexedCharacters = 150;

/** A property that exists but has no value to compare: a binary, or an empty list. */
export const noValue = '-';

/** @returns nothing for binaries */
export function encodedValues(property: Property | undefined): string[] {
  if (!property) return [];
  const encoded: string[] = [];
  for (const value of property.values) {
    const text = encodeValue(property.type, value);
    if (text !== undefined) encoded.push(text);
  }
  return encoded;
}

/** Values of any textual type, as they are. */
export function textsIn(property: Property | undefined): string[] {
  if (!property || notTextual.has(property.type)) return [];
  return property.values.map(String);
}

const notTextual: ReadonlySet<PropertyType> = new Set(['Binary', 'Boolean', 'Date', 'Decimal', 'Double', 'Long']);

function encodeValue(type: PropertyType, value: Value): string | undefined {
  if (typeof value === 'object') return undefined;
  switch (type) {
    case 'Boolean':
      return encodeBoolean(value === true);
    case 'Date':
      return encodeMoment(Date.parse(String(value)));
    case 'Long':
    case 'Double':
    case 'Decimal':
      return encodeNumber(typeof value === 'bigint' ? value : Number(value));
    default:
      return encodeText(String(value));
  }
}

/** Every kind a value of a query stands for. */
export function encodeLiteral(value: QueryValue): string[] {
  if (value instanceof Date) return [encodeMoment(value.getTime())];
  if (typeof value === 'boolean') return [encodeBoolean(value)];
  if (typeof value !== 'string') return [encodeNumber(value)];
  const encoded = [encodeText(value)];
  if (value === 'true' || value === 'false') encoded.push(encodeBoolean(value === 'true'));
  if (/^[+-]?\d{1,19}$/.test(value)) encoded.push(encodeNumber(BigInt(value.replace('+', ''))));
  else if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) encoded.push(encodeNumber(Number(value)));
  const moment = toDate(/^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value);
  if (moment !== undefined) encoded.push(encodeMoment(Date.parse(moment)));
  return encoded;
}

export function kindOf(encoded: string): string {
  return encoded.slice(0, 1);
}

function encodeBoolean(value: boolean): string {
  return value ? 'b1' : 'b0';
}

/** Milliseconds from before the year 0, which with its offset is the earliest date there is. */
function encodeMoment(milliseconds: number): string {
  return `d${String(milliseconds + 62_167_305_600_000).padStart(15, '0')}`;
}

/**
 * The bits of the double, flipped so that they sort; then how far a bigint is from its double. Decimals compare as
 * doubles do.
 */
function encodeNumber(value: number | bigint): string {
  const number = Number(value);
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number === 0 ? 0 : number);
  const bits = bytes.readBigUInt64BE();
  const sortable = bits >> 63n === 1n ? ~bits & 0xffff_ffff_ffff_ffffn : bits | (1n << 63n);
  return `n${sortable.toString(16).padStart(16, '0')}${encodeRest(value, number)}`;
}

function encodeRest(value: number | bigint, number: number): string {
  if (typeof value !== 'bigint') return 'm';
  const rest = value - BigInt(number);
  if (rest === 0n) return 'm';
  return `${rest < 0n ? 'l' : 'n'}${String(rest + 10_000n).padStart(5, '0')}`;
}

/** U+0000 separates the parts of a key, so it and its escape are written as two characters that keep the order. */
export function encodeText(text: string): string {
  // eslint-disable-next-line no-control-regex
  return `s${text.replace(/[\u0000\u0001]/g, (c) => (c === '\0' ? '\u0001\u0001' : '\u0001\u0002'))}`;
}

/** As the value lies in an index. Cut by code points: cutting by UTF-16 units would not keep the order. */
export function indexedPart(encoded: string): string {
  if (encoded.length <= maxIndexedCharacters + 1) return encoded;
  let end = 0;
  for (let count = 0; count <= maxIndexedCharacters && end < encoded.length; count++) {
    end += (encoded.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return encoded.slice(0, end);
}

/** An interval of encoded values of one kind. */
export interface EncodedRange {
  readonly kind: string;
  readonly from?: { readonly value: string; readonly open: boolean };
  readonly to?: { readonly value: string; readonly open: boolean };
}

export function isWithin(encoded: string, { kind, from, to }: EncodedRange): boolean {
  if (kindOf(encoded) !== kind) return false;
  if (from) {
    const order = compareKeys(encoded, from.value);
    if (order < 0 || (order === 0 && from.open)) return false;
  }
  if (to) {
    const order = compareKeys(encoded, to.value);
    if (order > 0 || (order === 0 && to.open)) return false;
  }
  return true;
}
