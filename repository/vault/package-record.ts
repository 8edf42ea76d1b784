/**
 * What the repository knows of its packages, kept as AEM keeps it: `/etc/packages/<group>/<name>-<version>.zip` is a file whose
 * content has a `vlt:definition`. Installing changes it in the same commit as the content, so it never says what is not so.
 */
import type { RepositoryNode, Session } from '../api.js';
import { RepositoryError } from '../errors.js';
import { joinPath, parentOf, selfAndAncestors } from '../path.js';
import type { BinaryValue, PropertyInput } from '../value.js';
import { importModes, type FilterRule, type FilterSet } from './filter.js';
import {
  assertPackageId,
  formatPackageId,
  packagePath,
  packagesRoot,
  snapshotPath,
  type PackageId,
} from './package-id.js';
import { compareVersions } from './package-version.js';
import { createPattern } from './pattern.js';

/**
 * `uploaded`: there, not installed. `installing`, `uninstalling`: under way in the process that is named. `interrupted`: that
 * process ended before it was done, and nothing of it came to be.
 */
export const packageStates = ['uploaded', 'installing', 'installed', 'uninstalling', 'interrupted'] as const;
export type PackageState = (typeof packageStates)[number];

export interface PackageRecord {
  readonly id: PackageId;
  readonly path: string;
  readonly state: PackageState;
  /** Bytes of the package; `undefined` for one that was defined and never built. */
  readonly size: number | undefined;
  readonly description: string | undefined;
  readonly filters: readonly FilterSet[];
  /** As `dependencies` of its properties has them. */
  readonly dependencies: readonly string[];
  /** ISO 8601. */
  readonly lastUnpacked: string | undefined;
  readonly lastUnpackedBy: string | undefined;
  /** The package it came in, by its id. */
  readonly installedBy: string | undefined;
  /** Ids of the packages that came in it. */
  readonly subPackages: readonly string[];
  /** Whether it can be uninstalled. */
  readonly hasSnapshot: boolean;
  /** Who is installing it: host, process and when that began. */
  readonly installer: string | undefined;
}

const definitionName = 'vlt:definition';

/** Packages in the order of their paths. */
export async function* listPackages(session: Session): AsyncGenerator<PackageRecord> {
  for await (const node of session.descendants(packagesRoot)) {
    if (node.name !== definitionName || node.path.includes('/.snapshot/')) continue;
    const record = await recordOf(session, node);
    if (record) yield record;
  }
}

export async function readPackage(session: Session, id: PackageId): Promise<PackageRecord | undefined> {
  const definition = await session.findNode(definitionPath(id));
  return definition && recordOf(session, definition);
}

/**
 * @param text `group:name:version`, or less of it: then the newest version of the one package that is meant
 * @throws PATH_NOT_FOUND, INVALID_VALUE
 */
export async function findPackage(session: Session, text: string): Promise<PackageRecord> {
  const found: PackageRecord[] = [];
  for await (const record of listPackages(session)) {
    const { group, name, version } = record.id;
    const names = [`${group}:${name}:${version}`, formatPackageId(record.id), `${group}:${name}`, name];
    if (names.includes(text)) found.push(record);
  }
  const packages = new Set(found.map(({ id }) => `${id.group}:${id.name}`));
  if (packages.size > 1) {
    throw new RepositoryError('INVALID_VALUE', `"${text}" may be ${[...packages].join(' or ')}; name the group too.`);
  }
  const [newest] = found.sort((a, b) => compareVersions(b.id.version, a.id.version));
  if (newest) return newest;
  throw new RepositoryError('PATH_NOT_FOUND', `There is no package "${text}"; "satchel package list" names them.`);
}

export interface RecordChanges {
  readonly state: PackageState;
  readonly binary?: BinaryValue;
  readonly filters?: readonly FilterSet[];
  readonly properties?: ReadonlyMap<string, string>;
  readonly subPackages?: readonly string[];
  readonly installedBy?: string | null;
  readonly installer?: string | null;
  /** Now, or taken away. */
  readonly unpacked?: boolean;
}

/** Makes the record where it is missing, and changes what is named. Not saved. @throws INVALID_VALUE */
export async function writePackageRecord(session: Session, id: PackageId, changes: RecordChanges): Promise<void> {
  assertPackageId(id);
  await assertMayWrite(session);
  const path = packagePath(id);
  await session.ensureNode(path, { primaryType: 'nt:file' }, 'sling:Folder');
  const content = joinPath(path, 'jcr:content');
  const { binary } = changes;
  const data: Record<string, PropertyInput> = {
    ...(binary && { 'jcr:data': binary }),
    'jcr:mimeType': 'application/zip',
    'jcr:lastModified': new Date(),
  };
  const existing = await session.findNode(content);
  if (!existing) {
    const empty = binary ?? (await session.createBinary(''));
    await session.addNode(content, {
      primaryType: 'nt:resource',
      mixins: ['vlt:Package'],
      properties: { ...data, 'jcr:data': empty },
    });
  } else {
    await session.setProperties(content, {
      ...(binary && data),
      'jcr:mixinTypes': { type: 'Name', multiple: true, values: [...new Set([...existing.mixins, 'vlt:Package'])] },
    });
  }
  const definition = joinPath(content, definitionName);
  await session.ensureNode(definition, { primaryType: 'vlt:PackageDefinition' });
  const { unpacked, installer, installedBy, subPackages, properties } = changes;
  const text = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value });
  const dependencies = properties?.get('dependencies');
  await session.setProperties(definition, {
    group: id.group,
    name: id.name,
    version: id.version,
    'satchel:state': changes.state,
    ...text('jcr:description', properties?.get('description')),
    ...(dependencies !== undefined && { 'satchel:dependencies': dependencies }),
    ...(installer !== undefined && { 'satchel:installer': installer }),
    ...(installedBy !== undefined && { 'satchel:installedBy': installedBy }),
    ...(subPackages && { sub_packages: [...subPackages] }),
    ...(unpacked !== undefined && {
      lastUnpacked: unpacked ? new Date() : null,
      lastUnpackedBy: unpacked ? session.userId : null,
    }),
  });
  if (changes.filters) await writeFilters(session, joinPath(definition, 'filter'), changes.filters);
}

/** Removes the record, and folders above it that have nothing else. Not saved. */
export async function removePackageRecord(
  session: Session,
  id: PackageId,
  emptyFolders: readonly string[],
): Promise<void> {
  for (const path of [packagePath(id), snapshotPath(id)]) if (await session.findNode(path)) await session.remove(path);
  for (const folder of emptyFolders) {
    if (!(await session.findNode(folder))) continue;
    const { done } = await session.children(folder)[Symbol.asyncIterator]().next();
    if (done === true) await session.remove(folder);
  }
}

/** Folders that a record of this package would need and that are not there, the deepest first. */
export async function missingFolders(session: Session, id: PackageId): Promise<string[]> {
  const missing: string[] = [];
  for (const path of selfAndAncestors(parentOf(snapshotPath(id)))) {
    if (path !== '/' && !(await session.findNode(path))) missing.push(path);
  }
  return missing;
}

export async function packageBinary(session: Session, id: PackageId): Promise<BinaryValue | undefined> {
  const content = await session.findNode(joinPath(packagePath(id), 'jcr:content'));
  const binary = content?.binary('jcr:data');
  return binary && binary.size > 0 ? binary : undefined;
}

/** Who may not is told so in these words, and not what is missing on the way there. */
async function assertMayWrite(session: Session): Promise<void> {
  const places = await session.findNodes([...selfAndAncestors(packagesRoot)]);
  const nearest = places.find((place) => place !== undefined);
  if (nearest && (await session.hasPrivileges(nearest.path, 'jcr:addChildNodes'))) return;
  const problem = `Packages are kept below ${packagesRoot}; the user may not add nodes there.`;
  throw new RepositoryError('ACCESS_DENIED', problem, { paths: [packagesRoot] });
}

function definitionPath(id: PackageId): string {
  return joinPath(packagePath(id), `jcr:content/${definitionName}`);
}

async function recordOf(session: Session, definition: RepositoryNode): Promise<PackageRecord | undefined> {
  const name = definition.text('name');
  if (name === undefined) return undefined;
  const id = { group: definition.text('group') ?? '', name, version: definition.text('version') ?? '' };
  const content = await session.findNode(parentOf(definition.path));
  const size = content?.binary('jcr:data')?.size;
  const state = packageStates.find((known) => known === definition.text('satchel:state'));
  const lastUnpacked = definition.text('lastUnpacked');
  const dependencies = definition.text('satchel:dependencies') ?? '';
  return {
    id,
    path: parentOf(parentOf(definition.path)),
    // Records that AEM wrote say it by the time alone.
    state: state ?? (lastUnpacked === undefined ? 'uploaded' : 'installed'),
    size: size === 0 ? undefined : size,
    description: definition.text('jcr:description'),
    filters: await readFilters(session, joinPath(definition.path, 'filter')),
    dependencies: dependencies === '' ? [] : [dependencies],
    lastUnpacked,
    lastUnpackedBy: definition.text('lastUnpackedBy'),
    installedBy: definition.text('satchel:installedBy'),
    subPackages: definition.texts('sub_packages'),
    hasSnapshot: (await session.findNode(snapshotPath(id))) !== undefined,
    installer: definition.text('satchel:installer'),
  };
}

async function writeFilters(session: Session, path: string, filters: readonly FilterSet[]): Promise<void> {
  if (await session.findNode(path)) await session.remove(path);
  await session.addNode(path);
  const rulesOf = (rules: readonly FilterRule[]) =>
    rules.map(({ include, pattern }) => `${include ? 'include' : 'exclude'}:${pattern.source}`);
  for (const [index, { root, mode, nodeRules, propertyRules }] of filters.entries()) {
    await session.addNode(joinPath(path, `f${index}`), {
      properties: { root, mode, rules: rulesOf(nodeRules), propertyRules: rulesOf(propertyRules) },
    });
  }
}

async function readFilters(session: Session, path: string): Promise<FilterSet[]> {
  const filters: FilterSet[] = [];
  for await (const node of session.children(path)) {
    const rules = (name: string) =>
      node.texts(name).map((rule): FilterRule => ({
        include: rule.startsWith('include:'),
        pattern: createPattern(rule.slice(rule.indexOf(':') + 1)),
      }));
    filters.push({
      root: node.text('root') ?? '/',
      mode: importModes.find((mode) => mode === node.text('mode')) ?? 'replace',
      nodeRules: rules('rules'),
      propertyRules: rules('propertyRules'),
    });
  }
  return filters;
}
