/**
 * How the repository's records lie in the store's one key space.
 *
 *     n<parent path>\0<name>   a node; the root is `n\0`
 *     i<identifier>            path of the node with that identifier
 *     a<path>                  `<path>/rep:policy` exists
 *     r<identifier>\0<path>    the node at that path has a Reference to that node
 *     x<index>\0…              entries of an index (query/)
 *     v<identifier>\0…         version history of the node with that identifier (versions/)
 *     t<name>                  a node type that was registered (node-types/)
 *     b<sha256>                a blob that the collector found unreferenced (blob-marks.ts, maintenance/)
 *     b/lease                  who collects now
 *     ucursors                 since when cursors stand where they are (maintenance/)
 *     e<name>                  an epoch: rewritten by every commit that changes what its name says
 *
 * With the parent path before the separator, one lookup finds a node, one range lists children, and a second range holds
 * everything deeper; a single range over a path prefix would take in siblings such as `P-x`.
 */
import { joinPath, nameOf, parentOf } from './path.js';
import type { KeyRange } from './store/contract.js';

export function nodeKey(path: string): string {
  return path === '/' ? 'n\0' : `n${parentOf(path)}\0${nameOf(path)}`;
}

export function pathOfNodeKey(key: string): string {
  const separator = key.indexOf('\0');
  const parent = key.slice(1, separator);
  return parent === '' ? '/' : joinPath(parent, key.slice(separator + 1));
}

export function childrenRange(path: string): KeyRange {
  return { gte: `n${path}\0`, lt: `n${path}\u0001` };
}

/** Everything below a path, in an order that has parents before children and siblings side by side. */
export function subtreeRanges(path: string): readonly KeyRange[] {
  // Below the root, `n/` starts the keys of children (`n/\0a`) and of all deeper nodes (`n/a\0b`) alike.
  if (path === '/') return [{ gte: 'n/', lt: 'n0' }];
  return [childrenRange(path), { gte: `n${path}/`, lt: `n${path}0` }];
}

export function identifierKey(identifier: string): string {
  return `i${identifier}`;
}

export function policyKey(controlledPath: string): string {
  return `a${controlledPath}`;
}

export const policyKeys: KeyRange = { gte: 'a', lt: 'b' };

export function pathOfPolicyKey(key: string): string {
  return key.slice(1);
}

export function blobMarkKey(sha256: string): string {
  return `b${sha256}`;
}

/** Hexadecimal digits only, so without the lease. */
export const blobMarkKeys: KeyRange = { gte: 'b0', lt: 'bg' };

export const collectorLeaseKey = 'b/lease';

/** Since when each cursor stands where it is (maintenance/cursor-use.ts). */
export const cursorUseKey = 'ucursors';

/** Rewritten by every commit that touches a policy, so that evaluated policies are valid as long as its version stands. */
export const policyEpochKey = 'epolicies';
/** The same for groups and their members. */
export const groupEpochKey = 'egroups';
/** The same for blobs that were collected: what a save found in the blob store is there as long as its version stands. */
export const blobEpochKey = 'eblobs';
/** The same for node types that are registered. */
export const nodeTypeEpochKey = 'etypes';
/** The same for definitions of indexes and how far they are built. */
export const indexEpochKey = 'eindexes';

export function nodeTypeKey(name: string): string {
  return `t${name}`;
}

export const nodeTypeKeys: KeyRange = { gte: 't', lt: 'u' };

export function referenceKey(target: string, path: string): string {
  return `r${target}\0${path}`;
}

/** Every node that refers to the node with that identifier. */
export function referencesRange(target: string): KeyRange {
  return { gte: `r${target}\0`, lt: `r${target}\u0001` };
}

export const referenceKeys: KeyRange = { gte: 'r', lt: 's' };

export function targetOfReferenceKey(key: string): string {
  return key.slice(1, key.indexOf('\0'));
}

export function pathOfReferenceKey(key: string): string {
  return key.slice(key.indexOf('\0') + 1);
}
