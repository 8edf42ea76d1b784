/**
 * The grammar of names and paths. JCR's rules (JCR 2.0, section 3.2) and three bounds of ours: no control characters,
 * names of at most 255 bytes (what file systems and archives can hold), paths of at most 2,048 bytes.
 */
import { RepositoryError } from './errors.js';

export const maxNameBytes = 255;
export const maxPathBytes = 2048;

// One optional prefix; `/ : [ ] | *` are JCR's own, U+0000–U+001F and U+007F ours.
// eslint-disable-next-line no-control-regex
const forbidden = /[/:[\]|*\u0000-\u001f\u007f]/u;
// eslint-disable-next-line no-control-regex
const controlCharacters = /[\u0000-\u001f\u007f]/gu;

/** For messages: control characters become visible escapes, so that a hostile name cannot forge a line. */
export function printable(text: string): string {
  return text.replace(controlCharacters, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** @returns what is wrong with a name, or `undefined` */
export function nameProblem(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'is empty or a dot segment';
  if (!name.isWellFormed()) return 'is not well-formed Unicode (a lone surrogate)';
  if (Buffer.byteLength(name) > maxNameBytes) return `is longer than ${maxNameBytes} bytes`;
  const colon = name.indexOf(':');
  const local = colon < 0 ? name : name.slice(colon + 1);
  if (colon === 0 || local === '') return 'has an empty prefix or local part';
  if (forbidden.test(local) || (colon > 0 && forbidden.test(name.slice(0, colon)))) {
    return 'holds one of / : [ ] | * or a control character';
  }
  if (local.startsWith(' ') || local.endsWith(' ')) return 'starts or ends with a blank';
  return undefined;
}

/** Names that are in order: content has few of properties and types, and asks for them with every node. */
const knownNames = new Set<string>();
const maxKnownNames = 2000;

/** @throws INVALID_PATH */
export function assertName(name: string): void {
  if (knownNames.has(name)) return;
  const problem = nameProblem(name);
  if (problem) {
    throw new RepositoryError('INVALID_PATH', `The name "${printable(name.slice(0, 300))}" ${problem}.`, {
      paths: [name],
    });
  }
  if (knownNames.size >= maxKnownNames) knownNames.clear();
  // A copy: as a part of a longer text it would hold on to all of that.
  knownNames.add(Buffer.from(name).toString());
}

// Nearly every path: names of plain letters, which need no closer look while the whole is no longer than a name may be.
const plainPath = /^(?:\/(?!\.\.?(?:\/|$))(?:[\w.-]+:)?[\w.-]+)+$/;

/** An absolute path without a trailing slash. @returns the same path @throws INVALID_PATH */
export function assertPath(path: string): string {
  if (path === '/' || (path.length <= maxNameBytes && plainPath.test(path))) return path;
  const fail = (problem: string) =>
    new RepositoryError('INVALID_PATH', `The path "${printable(path.slice(0, 300))}" ${problem}.`, { paths: [path] });
  if (!path.startsWith('/')) throw fail('is not absolute: it must start with "/"');
  if (path.endsWith('/')) throw fail('ends with "/"');
  if (Buffer.byteLength(path) > maxPathBytes) throw fail(`is longer than ${maxPathBytes} bytes`);
  for (const name of path.slice(1).split('/')) {
    const problem = nameProblem(name);
    if (problem) throw fail(`has a name that ${problem}`);
  }
  return path;
}

/** Parent of a path; the root has none and answers `''`. */
export function parentOf(path: string): string {
  if (path === '/') return '';
  const slash = path.lastIndexOf('/');
  return slash === 0 ? '/' : path.slice(0, slash);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(parent: string, relative: string): string {
  if (relative === '') return parent;
  return parent === '/' ? `/${relative}` : `${parent}/${relative}`;
}

export function isDescendantOrSelf(path: string, ancestor: string): boolean {
  return path === ancestor || ancestor === '/' || path.startsWith(`${ancestor}/`);
}

/** `parentOf(path) === parent`, without making a string of it. */
export function isChildOf(path: string, parent: string): boolean {
  const slash = path.lastIndexOf('/');
  return slash === 0 ? parent === '/' : slash === parent.length && path.startsWith(parent);
}

/** The path itself and its ancestors, nearest first, the root last. */
export function* selfAndAncestors(path: string): Generator<string> {
  for (let current = path; current !== ''; current = parentOf(current)) yield current;
}
