/** URIs for the prefixes that documents of a package use. Names here carry their prefix only, so the URI is for other readers. */
import type { Namespaces } from '../node-types/definition.js';

const wellKnown: ReadonlyMap<string, string> = new Map([
  ['jcr', 'http://www.jcp.org/jcr/1.0'],
  ['nt', 'http://www.jcp.org/jcr/nt/1.0'],
  ['mix', 'http://www.jcp.org/jcr/mix/1.0'],
  ['rep', 'internal'],
  ['sling', 'http://sling.apache.org/jcr/sling/1.0'],
  ['vlt', 'http://www.day.com/jcr/vault/1.0'],
  ['cq', 'http://www.day.com/jcr/cq/1.0'],
  ['crx', 'http://www.day.com/crx/1.0'],
  ['dam', 'http://www.day.com/dam/1.0'],
  ['granite', 'http://www.adobe.com/jcr/granite/1.0'],
  ['oak', 'http://jackrabbit.apache.org/oak/ns/1.0'],
  ['dc', 'http://purl.org/dc/elements/1.1/'],
  ['xmp', 'http://ns.adobe.com/xap/1.0/'],
  ['xmpMM', 'http://ns.adobe.com/xap/1.0/mm/'],
  ['xmpRights', 'http://ns.adobe.com/xap/1.0/rights/'],
  ['photoshop', 'http://ns.adobe.com/photoshop/1.0/'],
  ['tiff', 'http://ns.adobe.com/tiff/1.0/'],
  ['exif', 'http://ns.adobe.com/exif/1.0/'],
  ['Iptc4xmpCore', 'http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/'],
]);

/** @param prefix as it is, not escaped for XML */
export function namespaceOf(prefix: string, registered: Namespaces): string {
  return registered.get(prefix) ?? wellKnown.get(prefix) ?? `urn:satchel:prefix:${encodeURIComponent(prefix)}`;
}
