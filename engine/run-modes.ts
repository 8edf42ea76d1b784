/** The run modes of an installation: given to a command, or by its configuration. */
import { completeRunModes, runModeProblem } from '../repository/osgi/run-modes.js';

/** @returns what is wrong with run modes that are given together, or `undefined` */
export function runModesProblem(names: readonly string[]): string | undefined {
  for (const name of names) {
    const problem = runModeProblem(name);
    if (problem !== undefined) return `the run mode "${name}" ${problem}`;
  }
  const isBoth = names.includes('author') && names.includes('publish');
  return isBoth ? 'an installation is either author or publish' : undefined;
}

export interface RunModes {
  /** Complete: with `author` where neither it nor `publish` was given. */
  readonly names: readonly string[];
  readonly from: '--run-modes' | 'configuration' | 'default';
}

/**
 * @param given with the command, which goes before the configuration; checked
 * @param configured in satchel.json or SATCHEL_RUN_MODES; checked
 */
export function chooseRunModes(given: readonly string[] | undefined, configured: readonly string[]): RunModes {
  if (given) return { names: completeRunModes(given), from: '--run-modes' };
  return { names: completeRunModes(configured), from: configured.length > 0 ? 'configuration' : 'default' };
}
