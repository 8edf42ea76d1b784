/** The text of a node, which full text searches: one rule, whether an index holds it or a query reads the nodes themselves. */
import { nameOf, parentOf } from '../path.js';
import type { NodeRecord } from '../record.js';
import type { Property } from '../value.js';
import { wordsOf } from './words.js';

/** The parts a node's text is made of: itself, and nodes below that hold what belongs to it (dam:Asset, cq:Page). */
export const textParts = ['', 'jcr:content', 'jcr:content/metadata'] as const;

/** No node makes an index grow without bound. */
const maxWordsOfPart = 2000;
/** Characters of one value that are looked at: more than hold that many words. */
const maxTextLength = 100_000;

/** Words of a node as one of the parts; the name belongs to the node itself. */
export function wordsOfPart(part: string, path: string, record: NodeRecord): string[] {
  const words = part === '' ? wordsOf(nameOf(path)) : [];
  for (const [name, property] of record.properties) {
    if (!isText(name, property)) continue;
    for (const value of property.values)
      if (typeof value === 'string') {
        for (const word of wordsOf(value.slice(0, maxTextLength))) words.push(word);
      }
    if (words.length > maxWordsOfPart) break;
  }
  return words.slice(0, maxWordsOfPart);
}

/** Whether the text of a node has that of the property. */
export function isText(name: string, property: Property | undefined): boolean {
  return property?.type === 'String' && isSearchableProperty(name);
}

/** Technical properties would only be noise. */
export function isSearchableProperty(name: string): boolean {
  return name === 'jcr:title' || name === 'jcr:description' || !/^(?:jcr|rep|sling|satchel|oak):/.test(name);
}

/** Whose text a node is part of, and as which part: itself, and above where its path ends like a part. */
export function textOwners(path: string): { readonly path: string; readonly part: string }[] {
  const owners = [{ path, part: '' }];
  if (!path.endsWith('/jcr:content') && !path.endsWith('/jcr:content/metadata')) return owners;
  if (nameOf(path) === 'jcr:content') owners.push({ path: parentOf(path), part: 'jcr:content' });
  const parent = parentOf(path);
  if (nameOf(path) === 'metadata' && parent !== '' && nameOf(parent) === 'jcr:content') {
    owners.push({ path: parentOf(parent), part: 'jcr:content/metadata' });
  }
  return owners;
}
