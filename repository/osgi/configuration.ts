/** An OSGi configuration as a file or node holds it: properties with the types of the OSGi Compendium, section 104.4. */
import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';

export const osgiTypes = [
  'String',
  'Integer',
  'Long',
  'Float',
  'Double',
  'Byte',
  'Short',
  'Character',
  'Boolean',
] as const;
export type OsgiType = (typeof osgiTypes)[number];

/** Long is a bigint beyond ±(2^53 − 1); all other numbers are numbers. */
export type OsgiValue = string | number | bigint | boolean;

export interface OsgiProperty {
  readonly name: string;
  readonly type: OsgiType;
  /** `array` and `collection` differ for Java only: `T["a"]` is a String[], `T("a")` a Collection. */
  readonly shape: 'scalar' | 'array' | 'collection';
  /** Exactly one for a scalar. */
  readonly values: readonly OsgiValue[];
  /** 1-based line on which the file has it; 0 for a property of a node. */
  readonly line: number;
  /** Why a placeholder of it stands for nothing (placeholders.ts). */
  readonly problem?: string;
  /** Whether a placeholder of it is a secret. */
  readonly isSecret?: true;
}

/** Names are case-insensitive and keep the case they were written in. */
export class OsgiProperties implements Iterable<OsgiProperty> {
  readonly #byName = new Map<string, OsgiProperty>();

  get(name: string): OsgiProperty | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** @returns the property that has the name already, which then stays */
  add(property: OsgiProperty): OsgiProperty | undefined {
    const key = property.name.toLowerCase();
    const existing = this.#byName.get(key);
    if (!existing) this.#byName.set(key, property);
    return existing;
  }

  [Symbol.iterator](): Iterator<OsgiProperty> {
    return this.#byName.values();
  }
}

/** A place in a file, 1-based. Without a column it is the line as a whole. */
export interface Place {
  readonly line: number;
  readonly column?: number;
}

/** @param problem continues the place: `a.config:3:7: ` */
export function configurationError(file: string, { line, column }: Place, problem: string): RepositoryError {
  const place = column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return new RepositoryError('INVALID_CONTENT_FILE', `${place}: ${problem}`, { file, line });
}

/** A piece of a file, for messages: in quotes, printable, and not longer than a person reads. */
export function shownText(text: string): string {
  return `"${printable(text.length > 80 ? `${text.slice(0, 80)}…` : text)}"`;
}

/** Whether values of that name are rather not shown to people: it speaks of passwords, tokens or keys. */
export function isSecretName(name: string): boolean {
  return /passw|secret|token|credential|api.?key|private.?key/i.test(name);
}

/** What is said of a value that is not of its type. */
export function wrongValue(name: string, type: OsgiType, text: string): string {
  const shown = isSecretName(name) ? '' : `: ${shownText(text)}`;
  return `the value of "${printable(name)}" is no ${type}${shown}`;
}

/** Adds a property, which no earlier one may be named as. @throws INVALID_CONTENT_FILE */
export function addProperty(properties: OsgiProperties, property: OsgiProperty, file: string): void {
  const earlier = properties.add(property);
  if (!earlier) return;
  const at = { line: property.line };
  throw configurationError(file, at, `"${printable(property.name)}" stands on line ${earlier.line} already`);
}

const ranges: Readonly<Record<'Integer' | 'Long' | 'Byte' | 'Short', bigint>> = {
  Integer: 2n ** 31n,
  Long: 2n ** 63n,
  Byte: 2n ** 7n,
  Short: 2n ** 15n,
};

/**
 * A value from its text, as Java's own `valueOf` reads it; stricter only about Booleans, of which Java makes `false` whatever
 * is not `true`. Float and Double are plain here (`1.5`, `NaN`).
 * @returns `undefined` when the text is no value of the type
 */
export function valueFromText(type: OsgiType, text: string): OsgiValue | undefined {
  switch (type) {
    case 'String':
      return text;
    case 'Boolean':
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
    case 'Character':
      return text.length === 1 ? text : undefined;
    case 'Float':
    case 'Double':
      return realNumber(type, text);
    default:
      return /^[+-]?\d{1,20}$/.test(text) ? wholeNumber(type, BigInt(text.replace(/^\+/, ''))) : undefined;
  }
}

/** @returns `undefined` when it is out of the type's range */
export function wholeNumber(type: keyof typeof ranges, number: bigint): number | bigint | undefined {
  const limit = ranges[type];
  if (number < -limit || number >= limit) return undefined;
  const small = Number(number);
  return Number.isSafeInteger(small) ? small : number;
}

function realNumber(type: 'Float' | 'Double', text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|Infinity|NaN)$/.test(text)) return undefined;
  const number = text.endsWith('NaN') ? Number.NaN : Number(text);
  return type === 'Float' ? Math.fround(number) : number;
}
