/** From what callers give to values as they are kept; the conversions are those of JCR 2.0, section 3.6.4, made strict. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { RepositoryError } from './errors.js';
import { nameProblem, printable } from './path.js';
import type { BinaryValue, Property, PropertyInput, PropertyType, Value } from './value.js';

/** Content up to this many bytes is kept in the node itself. */
export const maxInlineBytes = 4096;

const minLong = -(2n ** 63n);
const maxLong = 2n ** 63n - 1n;

/** @param path of the property, for messages @throws INVALID_VALUE */
export function toProperty(path: string, input: PropertyInput): Property {
  if (isProperty(input)) {
    if (!isList(input.values)) throw invalid(path, 'has values that are not a list');
    if (!input.multiple && input.values.length !== 1) {
      throw invalid(path, `is single but has ${input.values.length} values`);
    }
    return { ...input, values: input.values.map((value) => toValue(path, input.type, value)) };
  }
  const multiple = isList(input);
  const inputs: readonly (Value | Date)[] = multiple ? input : [input];
  const type = multiple ? typeOfList(path, inputs) : typeOf(path, inputs[0]);
  return { type, multiple, values: inputs.map((value) => toValue(path, type, value)) };
}

/**
 * To another type, as JCR 2.0, section 3.6.4 has it: beside the text forms a Date and a number of milliseconds since 1970
 * (UTC) stand for each other, and short texts and binaries for each other's UTF-8 bytes.
 * @param path of the property @throws INVALID_VALUE
 */
export function convertProperty(
  path: string,
  { type: from, multiple, values }: Property,
  type: PropertyType,
): Property {
  return { type, multiple, values: values.map((value) => toValue(path, type, asSource(from, value, type))) };
}

function asSource(from: PropertyType, value: Value, to: PropertyType): Value {
  const isNumber = to === 'Long' || to === 'Double' || to === 'Decimal';
  if (from === 'Date' && isNumber) return Date.parse(valueText(value) ?? '');
  if (to === 'Date' && (typeof value === 'number' || typeof value === 'bigint' || from === 'Decimal')) {
    return toDate(new Date(Number(value))) ?? value;
  }
  if (to === 'Binary' && typeof value !== 'object') {
    const bytes = Buffer.from(String(value));
    return bytes.length <= maxInlineBytes ? inlineBinary(bytes) : value;
  }
  if (from === 'Binary' && typeof value === 'object' && value.inline !== undefined) {
    return Buffer.from(value.inline, 'base64').toString('utf8');
  }
  return value;
}

export function propertiesEqual(a: Property | undefined, b: Property | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.type !== b.type || a.multiple !== b.multiple || a.values.length !== b.values.length) return false;
  return a.values.every((value, index) => valuesEqual(value, b.values[index]));
}

function valuesEqual(a: Value, b: Value | undefined): boolean {
  if (typeof a === 'object') return typeof b === 'object' && a.sha256 === b.sha256 && a.size === b.size;
  return Object.is(a, b);
}

/** Arrays that are typed `readonly` are not narrowed by `Array.isArray`. */
function isList(input: PropertyInput): input is readonly (Value | Date)[] {
  return Array.isArray(input);
}

function isProperty(input: PropertyInput): input is Property {
  return isObject(input) && 'multiple' in input && 'values' in input;
}

/** JSON brings `null` where the types promise none. */
function isObject(input: unknown): input is object {
  return typeof input === 'object' && input !== null;
}

/** That of the first value; numbers are Double where one of them is no whole number. */
function typeOfList(path: string, inputs: readonly (Value | Date)[]): PropertyType {
  const [first] = inputs;
  if (first === undefined && inputs.length === 0) return 'String';
  const type = typeOf(path, first);
  const isDouble = (value: Value | Date) => typeof value === 'number' && typeOf(path, value) === 'Double';
  return type === 'Long' && inputs.some(isDouble) ? 'Double' : type;
}

function typeOf(path: string, value: Value | Date | undefined): PropertyType {
  switch (typeof value) {
    case 'string':
      return 'String';
    case 'bigint':
      return 'Long';
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'Long' : 'Double';
    case 'boolean':
      return 'Boolean';
    case 'object':
      if (value instanceof Date) return 'Date';
      if (isObject(value) && 'sha256' in value) return 'Binary';
  }
  throw invalid(path, 'is of no type a property can have');
}

function toValue(path: string, type: PropertyType, value: Value | Date): Value {
  const converted = convert(type, value);
  if (converted === undefined) throw invalid(path, `does not convert to ${type}: ${shown(value)}`);
  return converted;
}

function convert(type: PropertyType, value: Value | Date): Value | undefined {
  if (type === 'Binary') return isObject(value) && 'sha256' in value ? toBinary(value) : undefined;
  if (type === 'Date') return toDate(value);
  if (value instanceof Date || typeof value === 'object') return undefined;
  switch (type) {
    case 'String':
      return toText(value);
    case 'Long':
      return toLong(value);
    case 'Double':
      return toDouble(value);
    case 'Decimal':
      return toDecimal(value);
    case 'Boolean':
      return toBoolean(value);
    case 'Name':
      return typeof value === 'string' && nameProblem(value) === undefined ? value : undefined;
    case 'Path':
      return toPath(value);
    case 'Reference':
    case 'WeakReference':
      return typeof value === 'string' && isPlainWord(value) ? value : undefined;
    case 'URI':
      return typeof value === 'string' && isPlainWord(value) ? value : undefined;
  }
}

function toText(value: string | number | bigint | boolean): string | undefined {
  const text = String(value);
  return text.isWellFormed() ? text : undefined;
}

function toLong(value: string | number | bigint | boolean): number | bigint | undefined {
  if (typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : undefined;
  if (typeof value === 'string' && !/^[+-]?\d{1,19}$/.test(value)) return undefined;
  const whole = BigInt(typeof value === 'string' ? value.replace('+', '') : value);
  if (whole < minLong || whole > maxLong) return undefined;
  const number = Number(whole);
  return Number.isSafeInteger(number) ? number : whole;
}

function toDouble(value: string | number | bigint | boolean): number | undefined {
  if (typeof value === 'boolean') return undefined;
  if (typeof value !== 'string') return Number(value);
  if (!/^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?Infinity|NaN)$/.test(value)) return undefined;
  return Number(value);
}

function toDecimal(value: string | number | bigint | boolean): string | undefined {
  if (typeof value === 'boolean') return undefined;
  const text = String(value);
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,9})?$/.test(text) ? text : undefined;
}

function toBoolean(value: string | number | bigint | boolean): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

/** Absolute or relative, dot segments allowed (JCR 2.0, section 3.2.4). */
function toPath(value: string | number | bigint | boolean): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  if (value === '/') return value;
  const segments = (value.startsWith('/') ? value.slice(1) : value).split('/');
  return segments.every((segment) => segment === '.' || segment === '..' || nameProblem(segment) === undefined)
    ? value
    : undefined;
}

function isPlainWord(value: string): boolean {
  return (
    value !== '' && value.isWellFormed() && value.length <= 8192 && printable(value) === value && !/\s/.test(value)
  );
}

/** `2026-11-25T10:00:00.000Z` */
const plainDateLength = 24;

const isoDate = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))$/;

/**
 * ISO 8601 with milliseconds and the offset it was given with (JCR 2.0, section 3.6.4.3); an offset of zero is `Z`.
 * @returns `undefined` for what is not a moment: no time zone, or a day the calendar does not have
 */
export function toDate(value: Value | Date): string | undefined {
  if (value instanceof Date) {
    // Years of more than four digits have a sign before them.
    const text = Number.isNaN(value.getTime()) ? '' : value.toISOString();
    return text.length === plainDateLength ? text : undefined;
  }
  if (typeof value !== 'string') return undefined;
  const match = isoDate.exec(value);
  if (!match) return undefined;
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '00', fraction = ''] = match;
  const [, , , , , , , , , sign = '+', offsetHours = '00', offsetMinutes = '00'] = match;
  const daysInMonth = new Date(Date.UTC(Number(year) + 400, Number(month), 0)).getUTCDate();
  const known =
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= daysInMonth &&
    Number(hour) <= 23 &&
    Number(minute) <= 59 &&
    Number(second) <= 59 &&
    Number(offsetHours) <= 18 &&
    Number(offsetMinutes) <= 59;
  if (!known) return undefined;
  const milliseconds = fraction.slice(0, 3).padEnd(3, '0');
  const utc = offsetHours === '00' && offsetMinutes === '00';
  const offset = utc ? 'Z' : `${sign}${offsetHours}:${offsetMinutes}`;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}${offset}`;
}

/** A binary as callers may have built it themselves: its figures must be possible, and true where the bytes are inline. */
function toBinary(value: BinaryValue): BinaryValue | undefined {
  const { sha256, size, crc32: checksum, inline } = value;
  if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  if (!Number.isSafeInteger(size) || size < 0 || !Number.isInteger(checksum) || checksum < 0 || checksum > 0xffffffff) {
    return undefined;
  }
  if (inline === undefined) return { sha256, size, crc32: checksum };
  const bytes = Buffer.from(inline, 'base64');
  if (bytes.length !== size || size > maxInlineBytes) return undefined;
  return inlineBinary(bytes).sha256 === sha256 ? inlineBinary(bytes) : undefined;
}

/** @param bytes at most `maxInlineBytes` */
export function inlineBinary(bytes: Uint8Array): BinaryValue {
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.byteLength,
    crc32: crc32(bytes),
    inline: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
  };
}

/** @returns `undefined` for a binary */
export function valueText(value: Value): string | undefined {
  return typeof value === 'object' ? undefined : String(value);
}

function shown(value: Value | Date): string {
  if (value instanceof Date) return 'an invalid date';
  return typeof value === 'object' ? 'a binary' : `"${printable(String(value).slice(0, 100))}"`;
}

function invalid(path: string, problem: string): RepositoryError {
  return new RepositoryError('INVALID_VALUE', `The value of ${path} ${problem}.`, { paths: [path] });
}
