/**
 * Java properties as AEM's text templates are written in: what `java.util.Properties.load` reads, from UTF-8. Pure.
 * Source: the Javadoc of `Properties.load(Reader)`.
 */

export interface LegacyProperty {
  readonly name: string;
  readonly value: string;
  /** 1-based line the property starts at. */
  readonly line: number;
}

export interface PropertiesProblem {
  readonly line: number;
  readonly message: string;
}

const blanks = new Set([' ', '\t', '\f']);

/** In the order of the file; a name that comes again is listed again, and the last one counts. */
export function parseLegacyProperties(text: string): {
  readonly properties: readonly LegacyProperty[];
  readonly problems: readonly PropertiesProblem[];
} {
  const properties: LegacyProperty[] = [];
  const problems: PropertiesProblem[] = [];
  for (const { content, line } of logicalLines(text)) {
    const end = endOfName(content);
    const fail = (message: string) => problems.push({ line, message });
    properties.push({
      name: unescape(content.slice(0, end), fail),
      value: unescape(content.slice(startOfValue(content, end)), fail),
      line,
    });
  }
  return { properties, problems };
}

/** Natural lines without comments and blank ones; one that ends in an odd number of backslashes goes on in the next. */
function* logicalLines(text: string): Generator<{ content: string; line: number }> {
  const natural = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (let at = 0; at < natural.length; at++) {
    const line = at + 1;
    let content = withoutIndent(natural[at] ?? '');
    // A comment does not go on, whatever it ends with.
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue;
    const pieces: string[] = [];
    while (goesOn(content)) {
      pieces.push(content.slice(0, -1));
      at++;
      content = withoutIndent(natural[at] ?? '');
    }
    pieces.push(content);
    yield { content: pieces.join(''), line };
  }
}

function withoutIndent(line: string): string {
  let start = 0;
  while (blanks.has(line[start] ?? '')) start++;
  return line.slice(start);
}

function goesOn(line: string): boolean {
  let backslashes = 0;
  while (line.at(-1 - backslashes) === '\\') backslashes++;
  return backslashes % 2 === 1;
}

/** The first `=`, `:` or blank that no backslash stands before. */
function endOfName(content: string): number {
  for (let at = 0; at < content.length; at++) {
    const character = content[at] ?? '';
    if (character === '\\') at++;
    else if (character === '=' || character === ':' || blanks.has(character)) return at;
  }
  return content.length;
}

/** Blanks, at most one `=` or `:`, and blanks again lie between name and value. */
function startOfValue(content: string, end: number): number {
  let at = end;
  while (blanks.has(content[at] ?? '')) at++;
  if (content[at] === '=' || content[at] === ':') at++;
  while (blanks.has(content[at] ?? '')) at++;
  return at;
}

const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string, fail: (message: string) => void): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S]?)/g, (all, escaped: string) => {
    if (escaped.length > 1) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    if (escaped === 'u') fail('"\\u" stands before four hexadecimal digits, as in \\u00e9.');
    return escaped === 'u' ? all : (controls[escaped] ?? escaped);
  });
}
