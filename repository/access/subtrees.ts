/** Oak's `rep:subtrees` (SubtreePattern): a short way to write what takes two globs, as `/*\/cat` and `/*\/cat/*`. */

/**
 * `/cat` matches what ends so, with all below; `cat` also where a longer name ends so; `/cat/` and `cat/` only what lies below.
 * @param path at or below the controlled path
 */
export function matchesSubtrees(subtrees: readonly string[], controlled: string, path: string): boolean {
  return subtrees.some((subtree) => {
    if (subtree === '') return false;
    const below = subtree.endsWith('/') ? subtree : `${subtree}/`;
    return path.includes(below, controlled.length) || (below !== subtree && path.endsWith(subtree));
  });
}
