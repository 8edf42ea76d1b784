/**
 * JSON with what JSON.parse drops and content needs: the line of every value, keys in the order written (a JavaScript
 * object puts numeric ones first), doubled keys, and whole numbers beyond 2^53.
 */
export type JsonDocument =
  | { readonly kind: 'object'; readonly line: number; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array'; readonly line: number; readonly items: readonly JsonDocument[] }
  | {
      readonly kind: 'scalar';
      readonly line: number;
      readonly value: string | number | bigint | boolean | null;
      /** Of a number: as it was written. */
      readonly token?: string;
    };

export interface JsonMember {
  readonly name: string;
  readonly line: number;
  readonly value: JsonDocument;
}

const maximumDepth = 256;

/** @param fail makes the error that is thrown for a problem on a 1-based line, with its column where one character is meant */
export function parseJson(text: string, fail: (line: number, problem: string, column?: number) => Error): JsonDocument {
  const blanks = /[ \t\r\n]*/y;
  // eslint-disable-next-line no-control-regex -- JSON refuses raw control characters in texts, so the pattern names them
  const stringToken = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;
  const otherToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
  let position = text.startsWith('\ufeff') ? 1 : 0;
  let line = 1;

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = position;
    const token = pattern.exec(text)?.[0];
    position += token?.length ?? 0;
    return token;
  }

  function skipBlanks(): void {
    for (const character of match(blanks) ?? '') if (character === '\n') line++;
  }

  function take(character: string): boolean {
    skipBlanks();
    if (text[position] !== character) return false;
    position++;
    return true;
  }

  function unexpected(wanted: string): Error {
    skipBlanks();
    const found = text[position];
    return fail(
      line,
      found === undefined ? `ends where ${wanted} should be` : `has ${JSON.stringify(found)} where ${wanted} should be`,
      position - text.lastIndexOf('\n', position - 1),
    );
  }

  function readList<T>(end: string, depth: number, readItem: () => T): T[] {
    if (depth > maximumDepth) throw fail(line, `is nested deeper than ${maximumDepth}`);
    const items: T[] = [];
    if (take(end)) return items;
    do items.push(readItem());
    while (take(','));
    if (!take(end)) throw unexpected(`"," or "${end}"`);
    return items;
  }

  function readString(wanted: string): string {
    skipBlanks();
    const token = match(stringToken);
    if (token === undefined && text[position] === '"') {
      throw fail(line, 'has a text that does not end on its line, or has a wrong escape');
    }
    if (token === undefined) throw unexpected(wanted);
    return JSON.parse(token) as string;
  }

  function readMember(depth: number): JsonMember {
    const name = readString('a name in quotes');
    const start = line;
    if (!take(':')) throw unexpected(`":" after "${name}"`);
    return { name, line: start, value: readValue(depth) };
  }

  function readValue(depth: number): JsonDocument {
    skipBlanks();
    const start = line;
    if (take('{')) {
      const members = readList('}', depth, () => readMember(depth + 1));
      const names = new Set<string>();
      for (const member of members) {
        if (names.has(member.name)) throw fail(member.line, `has "${member.name}" twice`);
        names.add(member.name);
      }
      return { kind: 'object', line: start, members };
    }
    if (take('[')) return { kind: 'array', line: start, items: readList(']', depth, () => readValue(depth + 1)) };
    if (text[position] === '"') return { kind: 'scalar', line: start, value: readString('a text') };
    const token = match(otherToken);
    if (!token) throw unexpected('a value');
    const value = JSON.parse(token) as number | boolean | null;
    const exact = typeof value === 'number' && /^-?\d+$/.test(token) && !Number.isSafeInteger(value);
    if (typeof value !== 'number') return { kind: 'scalar', line: start, value };
    return { kind: 'scalar', line: start, value: exact ? BigInt(token) : value, token };
  }

  const document = readValue(0);
  skipBlanks();
  if (position < text.length) throw unexpected('the end');
  return document;
}
