/** What a package needs: `group:name:range`, separated by commas outside of brackets. */
import { RepositoryError } from '../errors.js';
import type { PackageId } from './package-id.js';
import { compareVersions, isInRange, parseVersionRange, type VersionRange } from './package-version.js';

export interface Dependency {
  /** As it was written. */
  readonly text: string;
  readonly group: string;
  readonly name: string;
  readonly range: VersionRange;
}

/** @throws INVALID_VALUE */
export function parseDependencies(text: string): Dependency[] {
  const parts = text.match(/(?:[^,[(]|[[(][^\])]*[\])])+/g) ?? [];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseDependency);
}

function parseDependency(text: string): Dependency {
  const parts = text.split(':');
  const [group = '', name = '', range = ''] = parts.length === 1 ? ['', ...parts] : parts;
  if (name === '' || parts.length > 3) {
    throw new RepositoryError('INVALID_VALUE', `The dependency "${text}" is none: write it as group:name:[1.0,2.0).`);
  }
  return { text, group, name, range: parseVersionRange(range) };
}

export function fulfils({ group, name, version }: PackageId, dependency: Dependency): boolean {
  return group === dependency.group && name === dependency.name && isInRange(version, dependency.range);
}

/**
 * Each after those it depends on; else in the order given, of several versions of one package the older first. Dependencies on
 * what is not among them do not count, and packages that depend on each other in a circle stay as they come.
 */
export function inDependencyOrder<T extends { readonly id: PackageId; readonly dependencies: readonly Dependency[] }>(
  packages: readonly T[],
): T[] {
  const sorted: T[] = [];
  const seen = new Set<T>();
  const visit = (item: T): void => {
    if (seen.has(item)) return;
    seen.add(item);
    for (const dependency of item.dependencies) packages.filter(({ id }) => fulfils(id, dependency)).forEach(visit);
    packages.filter(({ id }) => isOlder(id, item.id)).forEach(visit);
    sorted.push(item);
  };
  packages.forEach(visit);
  return sorted;
}

function isOlder(one: PackageId, other: PackageId): boolean {
  return one.group === other.group && one.name === other.name && compareVersions(one.version, other.version) < 0;
}
