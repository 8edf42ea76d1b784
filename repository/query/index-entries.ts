/** The entries that one node has in one index: a pure function of the definition, the path and the record. */
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { mixinsOf, primaryTypeOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import { encodedValues, indexedPart, noValue } from './encode-value.js';
import { coversPath, coversType } from './index-definition.js';
import { lengthKey, propertyKey, wordKey } from './index-keys.js';
import type { KeptIndex } from './index-state.js';
import { textOwners, wordsOfPart } from './node-text.js';

/** Values by key. */
export type IndexEntries = Map<string, string>;

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
  if (!coversPath(definition, path) || !coversType(definition, primaryTypeOf(record), mixinsOf(record), types)) return;
  for (const name of definition.propertyNames) {
    const property = record.properties.get(name);
    if (!property) continue;
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
    const counts = new Map<string, number>();
    const words = wordsOfPart(owner.part, path, record);
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    for (const [word, count] of counts) entries.set(wordKey(id, word, owner.path, owner.part), String(count));
    if (words.length > 0) entries.set(lengthKey(id, owner.path, owner.part), String(words.length));
  }
}
