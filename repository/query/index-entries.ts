/** The entries that one node has in one index: a pure function of the definition, the path and the record. */
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { mixinsOf, primaryTypeOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import { encodedValues, indexedPart, noValue } from './encode-value.js';
import { coversPath, coversType } from './index-definition.js';
import type { IndexDefinition } from './index-definition.js';
import { lengthPrefix, placeOfPart, propertyKey, wordPrefix } from './index-keys.js';
import type { KeptIndex } from './index-state.js';
import { isText, textOwners, wordsOfPart } from './node-text.js';

/** Values by key. */
export type IndexEntries = Map<string, string>;

/** Whether a node that stays where it is may have other entries because of these properties: their names before and after. */
export function concerns(
  { type, propertyNames }: IndexDefinition,
  changed: readonly string[],
  before: NodeRecord,
  after: NodeRecord,
): boolean {
  return changed.some((name) => {
    if (name === 'jcr:primaryType' || name === 'jcr:mixinTypes') return true;
    if (type === 'property') return propertyNames.includes(name);
    return isText(name, before.properties.get(name)) || isText(name, after.properties.get(name));
  });
}

/** Adds the entries of a node to `entries`. */
export function addEntries(
  entries: IndexEntries,
  index: KeptIndex,
  path: string,
  record: NodeRecord,
  types: NodeTypeRegistry,
): void {
  if (index.definition.type === 'property') addPropertyEntries(entries, index, path, record, types);
  else addTextEntries(entries, index, path, record, types);
}

function addPropertyEntries(
  entries: IndexEntries,
  { id, definition }: KeptIndex,
  path: string,
  record: NodeRecord,
  types: NodeTypeRegistry,
): void {
  let covered = false;
  for (const name of definition.propertyNames) {
    const property = record.properties.get(name);
    if (!property) continue;
    covered ||= coversPath(definition, path) && coversType(definition, primaryTypeOf(record), mixinsOf(record), types);
    if (!covered) return;
    const values = encodedValues(property);
    if (values.length === 0) values.push(noValue);
    for (const value of values) entries.set(propertyKey(id, name, indexedPart(value), path), '');
  }
}

/**
 * The type of a node above is not looked at, as a save need not have read it: the text of a part is kept for whatever lies above,
 * and a query asks the types of what it finds.
 */
function addTextEntries(
  entries: IndexEntries,
  { id, definition }: KeptIndex,
  path: string,
  record: NodeRecord,
  types: NodeTypeRegistry,
): void {
  for (const owner of textOwners(path)) {
    if (!coversPath(definition, owner.path)) continue;
    if (owner.part === '' && !coversType(definition, primaryTypeOf(record), mixinsOf(record), types)) continue;
    const words = wordsOfPart(owner.part, path, record);
    if (words.length === 0) continue;
    const counts = new Map<string, number>();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    const place = placeOfPart(owner.path, owner.part);
    for (const [word, count] of counts) entries.set(wordPrefix(id, word) + place, String(count));
    entries.set(lengthPrefix(id) + place, String(words.length));
  }
}
