/**
 * How histories lie in the key space `v<identifier>\0` (repository/keys.ts). Every record is in the form of record.ts.
 *
 *     v<identifier>\0h                        the history: base version, last number
 *     v<identifier>\0l                        its labels
 *     v<identifier>\0v<number>                a version
 *     v<identifier>\0f<number>\0<node key>    a frozen node, keyed as a node is, the versionable node being the root
 */
import { RepositoryError } from '../errors.js';
import { nodeKey, pathOfNodeKey } from '../keys.js';
import { printable } from '../path.js';
import type { KeyRange } from '../store/contract.js';

const digits = 10;
const versionName = /^1\.(0|[1-9]\d{0,8})$/;

/** `1.7` → 7; `undefined` for what is no name of a version. */
export function numberOfVersion(name: string): number | undefined {
  const number = versionName.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

export function nameOfVersion(number: number): string {
  return `1.${number}`;
}

/** Rewritten by every change of the history, so that its version guards all of it. */
export function historyKey(identifier: string): string {
  return `${prefix(identifier)}h`;
}

export function labelsKey(identifier: string): string {
  return `${prefix(identifier)}l`;
}

export function versionKey(identifier: string, number: number): string {
  return `${prefix(identifier)}v${sortable(number)}`;
}

export function versionsRange(identifier: string): KeyRange {
  return { gte: `${prefix(identifier)}v`, lt: `${prefix(identifier)}w` };
}

/** @param path from the versionable node, which is `/` */
export function frozenKey(identifier: string, number: number, path: string): string {
  return frozenPrefix(identifier, number) + nodeKey(path);
}

export function frozenPath(key: string, identifier: string, number: number): string {
  return pathOfNodeKey(key.slice(frozenPrefix(identifier, number).length));
}

/** All frozen nodes of a version: the root, then parents before children, siblings side by side. */
export function frozenRange(identifier: string, number: number): KeyRange {
  const start = frozenPrefix(identifier, number);
  return { gte: `${start}n`, lt: `${start}o` };
}

function frozenPrefix(identifier: string, number: number): string {
  return `${prefix(identifier)}f${sortable(number)}\0`;
}

/** A jcr:uuid is any text: one with a separator could reach into the history of another node. @throws INVALID_VALUE */
function prefix(identifier: string): string {
  if (!identifier.includes('\0')) return `v${identifier}\0`;
  throw new RepositoryError('INVALID_VALUE', `The identifier "${printable(identifier)}" can have no versions.`);
}

function sortable(number: number): string {
  return String(number).padStart(digits, '0');
}
