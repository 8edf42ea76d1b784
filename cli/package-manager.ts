/** What the package commands share. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FilterSet } from '../repository/vault/filter.js';
import type { PackageLimits } from '../repository/vault/package-limits.js';
import { PackageManager } from '../repository/vault/package-manager.js';
import { createPattern } from '../repository/vault/pattern.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { CommandContext } from './command.js';

export function packageManager({ satchel, user }: CommandContext, limits: Partial<PackageLimits> = {}): PackageManager {
  const temporaryFolder = path.join(satchel.dataFolder, 'tmp');
  return new PackageManager({ repository: satchel.repository, userId: user, temporaryFolder, limits });
}

/** A package as it is typed: a file of this machine, or one of the repository by its name. */
export function packageSource(cwd: string, typed: string): { readonly file: string } | { readonly name: string } {
  const file = path.resolve(cwd, typed);
  // A name with the ending of a file is a file, so that a typing error does not become a search for a package.
  return typed.endsWith('.zip') || existsSync(file) ? { file } : { name: typed };
}

/** Filters as they are typed: roots, and patterns that narrow all of them. @throws INVALID_REQUEST */
export function typedFilters(
  roots: readonly string[],
  includes: readonly string[],
  excludes: readonly string[],
): FilterSet[] {
  const rule = (include: boolean) => (source: string) => {
    try {
      return { include, pattern: createPattern(source) };
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw new SatchelError('INVALID_REQUEST', `The pattern "${source}" is none: ${problem}.`, { cause });
    }
  };
  const nodeRules = [...includes.map(rule(true)), ...excludes.map(rule(false))];
  if (roots.length === 0 && nodeRules.length > 0) {
    throw new SatchelError('INVALID_REQUEST', '--include and --exclude need a --filter.');
  }
  return roots.map((root) => ({ root, mode: 'replace', nodeRules, propertyRules: [] }));
}

/** An option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
