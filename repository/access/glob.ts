/** Oak's `rep:glob`: a pattern appended to the controlled path, matched against paths of nodes and properties. */

/** Oak's bound (GlobPattern): what a person writes has far fewer. */
const maxWildcards = 20;

/** @returns what is wrong with a pattern, or `undefined` */
export function globProblem(glob: string): string | undefined {
  const wildcards = glob.split('*').length - 1;
  if (wildcards > maxWildcards) return `has ${wildcards} wildcards; at most ${maxWildcards} are allowed`;
  return undefined;
}

/**
 * Empty is the node alone, without its properties; without `*` it names an item with all below; `*` stands for any
 * characters, slashes among them, as no characters do.
 */
export function matchesGlob(glob: string | undefined, controlled: string, path: string): boolean {
  if (glob === undefined) return true;
  if (glob === '') return path === controlled;
  const pattern = (controlled === '/' ? '' : controlled) + glob;
  if (!pattern.includes('*')) {
    return path === pattern || path.startsWith(pattern.endsWith('/') ? pattern : `${pattern}/`);
  }
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.pop() ?? '';
  if (path.length < start.length + end.length || !path.startsWith(start) || !path.endsWith(end)) return false;
  // Leftmost matches of the middle parts leave the most room for those after them, so no backtracking is needed.
  const middle = path.slice(start.length, path.length - end.length);
  let position = 0;
  for (const part of rest) {
    const found = middle.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return true;
}
