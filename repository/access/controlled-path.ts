/** Where policies lie. */
import { nameOf, parentOf, selfAndAncestors } from '../path.js';

export const policyName = 'rep:policy';
const withinPolicy = `/${policyName}`;

/** The node a path inside a `rep:policy` controls; `undefined` for any other path. */
export function controlledPath(path: string): string | undefined {
  // Asked of every node that is read: nearly all of them end here.
  if (!path.includes(withinPolicy)) return undefined;
  let controlled: string | undefined;
  // The outermost: what lies inside a policy is part of it, whatever its name.
  for (const node of selfAndAncestors(path)) if (nameOf(node) === policyName) controlled = parentOf(node);
  return controlled;
}
