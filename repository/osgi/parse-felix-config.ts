/**
 * The `.config` format of Apache Felix (org.apache.felix.cm.file.ConfigurationHandler):
 *
 *     name=T"text"   name=I["1","2"]   name=L("1", \
 *                                             "2")   # a comment
 *
 * A type code is T, I, L, F, D, X, S, C or B, in lower case for a primitive; without one it is text. Two differences, because
 * files written by hand have it so: a blank, `=` or line break within quotes needs no backslash (Felix would end the value
 * there), and what Felix would drop without a word (a value without quotes, a wrong number) is an error.
 */
import { printable } from '../path.js';
import {
  addProperty,
  configurationError,
  OsgiProperties,
  shownText,
  valueFromText,
  wrongValue,
  type OsgiType,
  type OsgiValue,
} from './configuration.js';

const typeOfCode: Readonly<Record<string, OsgiType>> = {
  T: 'String',
  I: 'Integer',
  L: 'Long',
  F: 'Float',
  D: 'Double',
  X: 'Byte',
  S: 'Short',
  C: 'Character',
  B: 'Boolean',
};

const escapes: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r' };

/** @param file for messages @throws INVALID_CONTENT_FILE with line and column */
export function parseFelixConfig(text: string, file: string): OsgiProperties {
  const reader = new Reader(text, file);
  const properties = new OsgiProperties();
  for (;;) {
    reader.skipBlanksAndComments();
    if (reader.atEnd) return properties;
    const { line } = reader.place();
    const name = reader.readName();
    addProperty(properties, { name, line, ...readValue(reader, name) }, file);
  }
}

function readValue(reader: Reader, name: string) {
  const named = `the value of "${printable(name)}"`;
  const type = reader.takeTypeCode() ?? 'String';
  if (reader.peek() === '"') return { type, shape: 'scalar', values: [readSimple(reader, type, name)] } as const;
  const shape = reader.peek() === '[' ? 'array' : 'collection';
  if (reader.peek() !== '[' && reader.peek() !== '(') throw reader.unexpected(`${named} in quotes`);
  const values = readList(reader, type, shape === 'array' ? ']' : ')', name);
  return { type, shape, values } as const;
}

/** The next character is the opening bracket. A comma may follow the last value, as Felix writes it. */
function readList(reader: Reader, type: OsgiType, end: ']' | ')', name: string): OsgiValue[] {
  const values: OsgiValue[] = [];
  reader.take();
  for (;;) {
    reader.skipBlanksAndLineBreaks();
    if (reader.peek() !== '"') break;
    values.push(readSimple(reader, type, name));
    reader.skipBlanksAndLineBreaks();
    if (reader.peek() !== ',') break;
    reader.take();
  }
  if (reader.peek() !== end) throw reader.unexpected(`"${end}" or a further value of "${printable(name)}"`);
  reader.take();
  return values;
}

function readSimple(reader: Reader, type: OsgiType, name: string): OsgiValue {
  const start = reader.place();
  const text = reader.readQuoted(`the value of "${printable(name)}"`);
  const value = realNumberBits(type, text) ?? valueFromText(type, text);
  if (value !== undefined) return value;
  throw configurationError(reader.file, start, wrongValue(name, type, text));
}

/** Felix writes a Float or Double as the whole number that its bits are: 1.5 is `F"1069547520"`. */
function realNumberBits(type: OsgiType, text: string): number | undefined {
  if ((type !== 'Float' && type !== 'Double') || !/^-?\d{1,19}$/.test(text)) return undefined;
  const bits = BigInt(text);
  const view = new DataView(new ArrayBuffer(8));
  if (type === 'Double') {
    view.setBigInt64(0, bits);
    return view.getBigInt64(0) === bits ? view.getFloat64(0) : undefined;
  }
  view.setInt32(0, Number(bits));
  return BigInt(view.getInt32(0)) === bits ? view.getFloat32(0) : undefined;
}

class Reader {
  #position = 0;
  #line = 1;
  #lineStart = 0;

  constructor(
    private readonly text: string,
    readonly file: string,
  ) {}

  get atEnd(): boolean {
    return this.#position >= this.text.length;
  }

  /** The next character; `undefined` at the end. */
  peek(): string | undefined {
    return this.text[this.#position];
  }

  place(): { readonly line: number; readonly column: number } {
    return { line: this.#line, column: this.#position - this.#lineStart + 1 };
  }

  take(): string {
    const character = this.text[this.#position++] ?? '';
    const endsLine = character === '\n' || (character === '\r' && this.peek() !== '\n');
    if (endsLine) {
      this.#line += 1;
      this.#lineStart = this.#position;
    }
    return character;
  }

  unexpected(wanted: string): Error {
    const found = this.peek();
    const text = found === undefined ? 'the file ends' : `${shownText(found)} stands`;
    return configurationError(this.file, this.place(), `${text} where ${wanted} should be`);
  }

  skipBlanks(): void {
    while (/^\s/.test(this.peek() ?? '')) this.take();
  }

  /** A comment stands where a property may start, and takes the rest of its line. */
  skipBlanksAndComments(): void {
    this.skipBlanks();
    while (this.peek() === '#') {
      while (/^[^\r\n]/.test(this.peek() ?? '')) this.take();
      this.skipBlanks();
    }
  }

  /** Within a list, a backslash before a line break is as blank as the break. */
  skipBlanksAndLineBreaks(): void {
    this.skipBlanks();
    while (this.peek() === '\\' && /[\r\n]/.test(this.text[this.#position + 1] ?? '')) {
      this.take();
      this.skipBlanks();
    }
  }

  /** A name, and the `=` after it. */
  readName(): string {
    let name = '';
    while (/^[^\s=]/.test(this.peek() ?? '')) name += this.#takeCharacter();
    if (name === '') throw this.unexpected('a name');
    this.skipBlanks();
    if (this.peek() !== '=') throw this.unexpected(`"=" after "${printable(name)}"`);
    this.take();
    this.skipBlanks();
    return name;
  }

  takeTypeCode(): OsgiType | undefined {
    const type = typeOfCode[this.peek()?.toUpperCase() ?? ''];
    const isCode = type !== undefined && /["[(]/.test(this.text[this.#position + 1] ?? '') && this.peek() !== 't';
    if (!isCode) return undefined;
    this.take();
    return type;
  }

  /** The next character is the opening quote. */
  readQuoted(named: string): string {
    const start = this.place();
    this.take();
    let text = '';
    while (this.peek() !== undefined && this.peek() !== '"') text += this.#takeCharacter();
    if (this.peek() === undefined) throw configurationError(this.file, start, `${named} has no quote at its end`);
    this.take();
    return text;
  }

  /** One character, or what an escape stands for. */
  #takeCharacter(): string {
    const start = this.place();
    const character = this.#takePlain();
    if (character !== '\\') return character;
    if (this.peek() === undefined) throw configurationError(this.file, start, 'a backslash ends the file');
    if (this.peek() !== 'u') {
      const escaped = this.#takePlain();
      return escapes[escaped] ?? escaped;
    }
    this.take();
    const digits = this.text.slice(this.#position, this.#position + 4);
    if (!/^[\da-f]{4}$/i.test(digits)) {
      throw configurationError(this.file, start, '"\\u" needs four hexadecimal digits');
    }
    for (let digit = 0; digit < 4; digit++) this.take();
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** A line break is one character, however the file writes it. */
  #takePlain(): string {
    const character = this.take();
    if (character !== '\r') return character;
    if (this.peek() === '\n') this.take();
    return '\n';
  }
}
