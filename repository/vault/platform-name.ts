/**
 * Names as FileVault writes them. In the file system a prefix is `_jcr_content` for `jcr:content`, a literal leading
 * underscore is doubled, other characters are `%3a`; in XML every character is `_x003a_`.
 * https://jackrabbit.apache.org/filevault/vaultfs.html#Filename_escaping
 */

/** The item name that a file or folder name stands for. */
export function decodePlatformName(fileName: string): string {
  const separator = fileName.startsWith('_') ? fileName.indexOf('_', 1) : -1;
  if (separator === 1) return decodePercents(fileName.slice(1));
  if (separator < 0 || separator === fileName.length - 1) return decodePercents(fileName);
  return `${decodePercents(fileName.slice(1, separator))}:${decodePercents(fileName.slice(separator + 1))}`;
}

/** `%xx` is one UTF-8 byte; what does not decode stays as it is, as in FileVault. */
function decodePercents(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => {
    const bytes = Buffer.from(escapes.replaceAll('%', ''), 'hex');
    const decoded = bytes.toString('utf8');
    return Buffer.from(decoded).equals(bytes) ? decoded : escapes;
  });
}

/** An XML name with its `_xHHHH_` escapes undone (ISO 9075-14, as JCR 2.0 section 7.3.3.2 has it). */
export function decodeXmlName(name: string): string {
  return name.replace(/_x([0-9a-fA-F]{4})_/g, (_escape, code: string) => String.fromCharCode(parseInt(code, 16)));
}

/**
 * The file name of an item, which `decodePlatformName` reads back. Escaped beside what FileVault escapes: what would be taken
 * for a file of another meaning (`.content.xml`, `x.dir`, `x.binary`).
 */
export function encodePlatformName(name: string): string {
  const escaped = name.replace(/[\\<>"?%]/g, percent);
  const colon = escaped.indexOf(':');
  const body = colon < 0 ? escaped : encodePrefix(escaped, colon);
  const isAmbiguous = colon < 0 && /^_.*_/s.test(escaped);
  return (isAmbiguous ? `_${body}` : body).replace(/^\.(?=content\.)/, '%2e').replace(/\.(?=(?:dir|binary)$)/, '%2e');
}

function encodePrefix(name: string, colon: number): string {
  // A prefix with an underscore could not be told from the name behind it.
  const isPlain = !name.slice(0, colon).includes('_');
  return isPlain ? `_${name.slice(0, colon)}_${name.slice(colon + 1)}` : maskedUnderscore(name).replace(':', '%3a');
}

/** A first underscore would begin a prefix if another one follows. */
function maskedUnderscore(name: string): string {
  return /^_.*_/s.test(name) ? `_${name}` : name;
}

/** The same with every character escaped: equal to no other name's file name, whatever a file system makes of case. */
export function encodeWholePlatformName(name: string): string {
  return [...Buffer.from(name)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** As an XML name, which `decodeXmlName` reads back: one colon at most, behind the prefix. */
export function encodeXmlName(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0
    ? encodeXmlPart(name)
    : `${encodeXmlPrefix(name.slice(0, colon))}:${encodeXmlPart(name.slice(colon + 1))}`;
}

/** Prefixes that begin with "xml" are XML's own. */
export function encodeXmlPrefix(prefix: string): string {
  return /^xml/i.test(prefix)
    ? `${hex(prefix.slice(0, 1))}${encodeXmlPart(`a${prefix.slice(1)}`).slice(1)}`
    : encodeXmlPart(prefix);
}

/** Letters that every version of XML takes are kept, others escaped. */
function encodeXmlPart(text: string): string {
  return text
    .replace(/_(?=x[0-9a-fA-F]{4})/g, hex)
    .replace(/[^A-Za-z0-9_.\-\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]/g, hex)
    .replace(/^[0-9.-]/, hex);
}

/** UTF-16 units, as JCR counts them. */
function hex(unit: string): string {
  return `_x${unit.charCodeAt(0).toString(16).padStart(4, '0')}_`;
}
