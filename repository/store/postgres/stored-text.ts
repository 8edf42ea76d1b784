/**
 * PostgreSQL text holds any character but U+0000. U+0000 is stored as U+0001 U+0001 and U+0001 as U+0001 U+0002, which keeps
 * the bytewise order of whole keys and of their prefixes alike.
 */
const needsEscape = /[\0\u0001]/; // eslint-disable-line no-control-regex -- these two are what it is about

export function escapeText(text: string): string {
  if (!needsEscape.test(text)) return text;
  return text.replaceAll('\u0001', '\u0001\u0002').replaceAll('\0', '\u0001\u0001');
}

export function unescapeText(stored: string): string {
  if (!stored.includes('\u0001')) return stored;
  // eslint-disable-next-line no-control-regex -- as above
  return stored.replaceAll(/\u0001([\u0001\u0002])/g, (_pair, second) => (second === '\u0001' ? '\0' : '\u0001'));
}

/** The least key above this one; both stored. */
export function nextStoredKey(stored: string): string {
  return stored + escapeText('\0');
}
