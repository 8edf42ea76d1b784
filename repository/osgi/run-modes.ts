/** Run modes as Sling has them (org.apache.sling.settings). */

/** `.`, `,` and a leading `-` mean something in the names of folders, so that no run mode may hold them. */
const runModeName = /^\w[\w-]{0,63}$/;

/** @returns what is wrong with the name of a run mode, or `undefined` */
export function runModeProblem(name: string): string | undefined {
  return runModeName.test(name)
    ? undefined
    : 'must consist of at most 64 letters, digits, "_" and "-", and not begin with "-"';
}

/**
 * The run modes of an installation, from those that were given: `author` where neither `author` nor `publish` is among
 * them. In the order given, each once.
 */
export function completeRunModes(given: readonly string[]): readonly string[] {
  const isKindGiven = given.includes('author') || given.includes('publish');
  return [...new Set(isKindGiven ? given : ['author', ...given])];
}

/**
 * How many run modes of a specification are met: `author.dev` wants both, `author,publish` one of them, `-dev` that it is
 * not active. Of several alternatives the one with the most counts.
 * @returns 0 when it is not met
 */
export function metRunModes(specification: string, active: ReadonlySet<string>): number {
  const counts = specification.split(',').map((alternative) => {
    const wanted = alternative.split('.');
    const isMet = (mode: string) => (mode.startsWith('-') ? !active.has(mode.slice(1)) : active.has(mode));
    return wanted.every(isMet) ? wanted.length : 0;
  });
  return Math.max(...counts);
}
