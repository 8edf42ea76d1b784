/** A property of the node itself, or of one at a fixed path below it. */
import { nameProblem, printable } from '../path.js';
import { invalidQuery } from './invalid-query.js';

export interface PropertyPath {
  /** Relative path of the node that has it; `''` is the node itself. */
  readonly tail: string;
  readonly name: string;
}

/** @throws INVALID_QUERY */
export function parsePropertyPath(text: string): PropertyPath {
  const problem = text
    .split('/')
    .map(nameProblem)
    .find((found) => found !== undefined);
  if (problem !== undefined)
    throw invalidQuery(`names the property "${printable(text.slice(0, 300))}", which ${problem}`);
  const slash = text.lastIndexOf('/');
  return { tail: text.slice(0, Math.max(slash, 0)), name: text.slice(slash + 1) };
}

/** The node at whose `tail` a path lies; `undefined` where it does not end so. */
export function withoutTail(path: string, tail: string): string | undefined {
  if (tail === '') return path;
  if (!path.endsWith(`/${tail}`)) return undefined;
  return path.slice(0, -tail.length - 1) || '/';
}
