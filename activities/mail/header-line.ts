/** A header is one line: what would start a second one, or is not to be seen, becomes a blank. */
const maxHeaderCharacters = 255;

export function toHeaderLine(text: string): string {
  const line = text
    .toWellFormed()
    // U+0085, U+2028 and U+2029 break lines for some readers, too.
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  // Cut between code points, never within one.
  return line.length <= maxHeaderCharacters
    ? line
    : `${line
        .slice(0, maxHeaderCharacters - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, '')}…`;
}
