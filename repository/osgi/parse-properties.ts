/** `.cfg` and `.properties`: Java properties (java.util.Properties.load), whose values are all text. */
import { addProperty, configurationError, OsgiProperties } from './configuration.js';

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', f: '\f', r: '\r' };

/** @param file for messages @throws INVALID_CONTENT_FILE with the line */
export function parseProperties(text: string, file: string): OsgiProperties {
  if (text.startsWith('<')) {
    throw configurationError(file, { line: 1, column: 1 }, 'properties in XML are not read; write a .cfg.json file');
  }
  const properties = new OsgiProperties();
  for (const { line, content } of logicalLines(text)) {
    // The name ends at the first "=", ":" or blank without a backslash; blanks around one "=" or ":" belong to neither.
    const [, name = '', value = ''] = /^((?:\\[^]|[^\\=:\s])*)[ \t\f]*[=:]?[ \t\f]*([^]*)$/.exec(content) ?? [];
    const plain = (escaped: string) => unescape(escaped, (problem) => configurationError(file, { line }, problem));
    const property = { name: plain(name), type: 'String', shape: 'scalar', values: [plain(value)], line } as const;
    addProperty(properties, property, file);
  }
  return properties;
}

/** Lines without comments and leading blanks; one that ends with an odd number of backslashes goes on in the next. */
function* logicalLines(text: string): Generator<{ readonly line: number; readonly content: string }> {
  let begun: { readonly line: number; readonly content: string } | undefined;
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const trimmed = raw.replace(/^[ \t\f]+/, '');
    if (!begun && (trimmed === '' || /^[#!]/.test(trimmed))) continue;
    const { line, content } = begun ?? { line: index + 1, content: '' };
    const [backslashes = ''] = /\\*$/.exec(trimmed) ?? [];
    if (backslashes.length % 2 === 1) begun = { line, content: content + trimmed.slice(0, -1) };
    else {
      begun = undefined;
      yield { line, content: content + trimmed };
    }
  }
  if (begun) yield begun;
}

function unescape(text: string, fail: (problem: string) => Error): string {
  return text.replaceAll(/\\(u[\da-fA-F]{4}|[^])/g, (_match, escaped: string) => {
    if (escaped.length > 1) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    if (escaped === 'u') throw fail('"\\u" needs four hexadecimal digits');
    return escapes[escaped] ?? escaped;
  });
}
