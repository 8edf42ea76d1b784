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
    return decoded.includes('\ufffd') ? escapes : decoded;
  });
}

/** An XML name with its `_xHHHH_` escapes undone (ISO 9075-14, as JCR 2.0 section 7.3.3.2 has it). */
export function decodeXmlName(name: string): string {
  return name.replace(/_x([0-9a-fA-F]{4})_/g, (_escape, code: string) => String.fromCharCode(parseInt(code, 16)));
}
