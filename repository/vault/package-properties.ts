/** META-INF/vault/properties.xml: Java's XML properties. */
import { parseXml } from './xml.js';

/** Java writes this declaration into every such file; it is never fetched. */
const javaDoctype = 'properties SYSTEM "http://java.sun.com/dtd/properties.dtd"';

/** @throws INVALID_CONTENT_FILE with file and line */
export async function parsePackageProperties(
  source: AsyncIterable<Uint8Array>,
  file: string,
): Promise<ReadonlyMap<string, string>> {
  const properties = new Map<string, string>();
  let key: string | undefined;
  await parseXml(source, file, {
    toleratedDoctype: javaDoctype,
    open(tag) {
      key = tag.name === 'entry' ? tag.attributes['key']?.value : undefined;
      if (key !== undefined) properties.set(key, '');
    },
    text(text) {
      if (key !== undefined) properties.set(key, (properties.get(key) ?? '') + text);
    },
    close() {
      key = undefined;
    },
  });
  return properties;
}
