/** What a package is called: `group:name:version`. https://jackrabbit.apache.org/filevault/properties.html */
import { RepositoryError } from '../errors.js';
import { joinPath, nameProblem, printable } from '../path.js';

export interface PackageId {
  /** May have slashes; `''` for none. */
  readonly group: string;
  readonly name: string;
  /** `''` for none. */
  readonly version: string;
}

export const packagesRoot = '/etc/packages';

export function formatPackageId({ group, name, version }: PackageId): string {
  return version === '' ? `${group}:${name}` : `${group}:${name}:${version}`;
}

/** `group:name:version`, `group:name` or `name`. @throws INVALID_VALUE */
export function parsePackageId(text: string): PackageId {
  const parts = text.split(':');
  const [group = '', name = '', version = ''] = parts.length === 1 ? ['', ...parts] : parts;
  const id = { group, name, version };
  if (parts.length > 3) throw invalidId(text, 'has more parts than group, name and version');
  assertPackageId(id);
  return id;
}

/** Group, name and version become a path, so they must be names. @throws INVALID_VALUE */
export function assertPackageId(id: PackageId): void {
  const groupNames = id.group === '' ? [] : id.group.split('/');
  for (const name of [...groupNames, `${id.name}.zip`, ...(id.version === '' ? [] : [id.version])]) {
    const problem = id.name === '' ? 'has no name' : nameProblem(name);
    if (problem !== undefined) throw invalidId(formatPackageId(id), problem);
    if (name === '.snapshot') throw invalidId(formatPackageId(id), 'has a name that is kept for snapshots');
  }
}

/** Where the package lies in the repository. */
export function packagePath(id: PackageId): string {
  return joinPath(groupPath(id), fileName(id));
}

/** Where what the package replaced is kept, as in AEM. */
export function snapshotPath(id: PackageId): string {
  return joinPath(groupPath(id), `.snapshot/${fileName(id)}`);
}

function groupPath({ group }: PackageId): string {
  return joinPath(packagesRoot, group);
}

function fileName({ name, version }: PackageId): string {
  return version === '' ? `${name}.zip` : `${name}-${version}.zip`;
}

function invalidId(text: string, problem: string): RepositoryError {
  return new RepositoryError('INVALID_VALUE', `The package "${printable(text.slice(0, 300))}" ${problem}.`);
}
