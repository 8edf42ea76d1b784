/**
 * Keys of indexes. Entries end with the place of their node in the order of nodes (keys.ts), so that entries of one value are one
 * range, and those of one value below a path are two.
 *
 *     x\0s<path>                                    state of the index that the node at that path defines
 *     x\0c<id>                                      entries of an index that is no more, to be cleared
 *     x<id>\0p<property>\0<value>\0<parent>\0<name>   a node has that value
 *     x<id>\0t<word>\0<parent>\0<name>\0<part>      a node has that word: how often, in which part of it
 *     x<id>\0d<parent>\0<name>\0<part>              how many words a node has, in that part
 */
import { nodeKey, pathOfNodeKey } from '../keys.js';
import type { KeyRange } from '../store/contract.js';

export const stateKeys: KeyRange = { gte: 'x\0s', lt: 'x\0t' };
export const clearingKeys: KeyRange = { gte: 'x\0c', lt: 'x\0d' };

export function stateKey(definitionPath: string): string {
  return `x\0s${definitionPath}`;
}

export function pathOfStateKey(key: string): string {
  return key.slice(3);
}

export function clearingKey(id: string): string {
  return `x\0c${id}`;
}

export function idOfClearingKey(key: string): string {
  return key.slice(3);
}

export function entryKeys(id: string): KeyRange {
  return { gte: `x${id}\0`, lt: `x${id}\u0001` };
}

/** Everything of one property; values follow. */
export function propertyPrefix(id: string, property: string): string {
  return `x${id}\0p${property}\0`;
}

/** @param value as `indexedPart` gives it */
export function propertyKey(id: string, property: string, value: string, path: string): string {
  return `${propertyPrefix(id, property)}${value}\0${placeOf(path)}`;
}

export function wordPrefix(id: string, word: string): string {
  return `x${id}\0t${word}\0`;
}

/** What the keys of all words of one part of a node end with, and the one that says how many they are. */
export function placeOfPart(path: string, part: string): string {
  return `${placeOf(path)}\0${part}`;
}

/** Every word that begins so. */
export function wordsRange(id: string, prefix: string): KeyRange {
  return { gte: `x${id}\0t${prefix}`, lt: `x${id}\0t${prefix}\u{10ffff}` };
}

export function lengthPrefix(id: string): string {
  return `x${id}\0d`;
}

/** A path as index keys end with it: the node's own key without its letter. */
export function placeOf(path: string): string {
  return nodeKey(path).slice(1);
}

export function pathOfPlace(place: string): string {
  return pathOfNodeKey(`n${place}`);
}

/** Value and path of a `propertyKey`. */
export function splitPropertyKey(key: string): { readonly value: string; readonly path: string } {
  const nameEnd = key.indexOf('\0', key.indexOf('\0') + 1);
  const valueEnd = key.indexOf('\0', nameEnd + 1);
  return { value: key.slice(nameEnd + 1, valueEnd), path: pathOfPlace(key.slice(valueEnd + 1)) };
}

/** Path and part of the key of a word. */
export function splitWordKey(key: string): { readonly path: string; readonly part: string } {
  const wordEnd = key.indexOf('\0', key.indexOf('\0') + 1);
  const partStart = key.lastIndexOf('\0');
  return { path: pathOfPlace(key.slice(wordEnd + 1, partStart)), part: key.slice(partStart + 1) };
}
