/** Makes a tenant: its configuration root, groups, and the content that belongs to it, in one save. */
import { grant } from '../../repository/access/policy.js';
import { groupsRoot } from '../../repository/access/authorizables.js';
import type { Session } from '../../repository/api.js';
import { readReferences, referencedTenants } from '../../repository/overlay/context.js';
import { configurationRoot, globalTenant } from '../../repository/overlay/layers.js';
import { assertPath, isDescendantOrSelf, joinPath, nameProblem } from '../../repository/path.js';
import { createGroup } from '../../repository/users.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { tenantAdminGroup, tenantGroup, tenantLocale, tenantTitle } from '../settings/definitions.js';
import type { SettingDefinition } from '../settings/define-setting.js';
import { parseValue } from '../settings/parse-value.js';

export interface NewTenant {
  /** `aurora`, or below others `emea/aurora`. */
  readonly name: string;
  readonly title?: string;
  /** BCP 47. */
  readonly locale?: string;
  /** Made, without members, where it is missing. */
  readonly group?: string;
  /** May change what lies below the configuration root, and nothing else by that; made where it is missing. */
  readonly adminGroup?: string;
  /** Folders and assets below /content that belong to the tenant. */
  readonly content?: readonly string[];
  /** Makes folders of `content` that are missing; else a missing one is PATH_NOT_FOUND. */
  readonly createFolders?: boolean;
}

export interface CreatedTenant {
  readonly name: string;
  readonly root: string;
  readonly createdGroups: readonly string[];
  readonly createdFolders: readonly string[];
  readonly contentRoots: readonly string[];
}

const folderType = 'sling:OrderedFolder';
/** Deeper ones are rather a mistake, and every level is a layer to look at. */
const mostLevels = 5;

/**
 * Not saved: nothing is there before the caller saves, and all of it afterwards.
 * @param session with the rights to change /conf, the content, and for groups /home
 * @throws SatchelError INVALID_REQUEST (a name, value or content path that cannot be, or content of another tenant), PATH_NOT_FOUND
 * (missing content); RepositoryError ITEM_EXISTS (there is such a tenant), ACCESS_DENIED
 */
export async function createTenant(session: Session, tenant: NewTenant): Promise<CreatedTenant> {
  const { name, content = [], createFolders = false } = tenant;
  const root = tenantRoot(name);
  const settingsPath = joinPath(root, 'settings/tenant');
  const properties = tenantProperties(tenant);
  if (await session.findNode(settingsPath)) {
    throw new SatchelError('INVALID_REQUEST', `There is a tenant "${name}" already: ${settingsPath} exists.`, {
      details: { tenant: name, path: settingsPath },
    });
  }
  const contentRoots = [...new Set(content.map(assertContentPath))].sort();
  const createdFolders = await prepareFolders(session, contentRoots, createFolders);
  await refuseOthersContent(session, root, contentRoots);

  await session.ensureNode(joinPath(root, 'settings'), { primaryType: 'sling:Folder' }, 'sling:Folder');
  await session.addNode(settingsPath, { primaryType: 'nt:unstructured', properties });
  const createdGroups: string[] = [];
  for (const group of new Set([tenant.group, tenant.adminGroup])) {
    if (group === undefined || (await session.findNode(joinPath(groupsRoot, group)))) continue;
    await createGroup(session, group);
    createdGroups.push(group);
  }
  if (tenant.adminGroup !== undefined) await grant(session, root, tenant.adminGroup, ['jcr:read', 'rep:write']);
  for (const path of contentRoots) await refer(session, path, root);
  return { name, root, createdGroups, createdFolders, contentRoots };
}

/** @throws SatchelError INVALID_REQUEST */
function tenantRoot(name: string): string {
  const names = name.split('/');
  const problem =
    names.length > mostLevels
      ? `has more than ${mostLevels} levels`
      : names.map(levelProblem).find((found) => found !== undefined);
  const root = joinPath(configurationRoot, name);
  if (problem === undefined && root !== globalTenant.root) return assertPath(root);
  const why = problem ?? 'is the one of everybody';
  throw new SatchelError('INVALID_REQUEST', `The tenant "${name}" cannot be made: its name ${why}.`, {
    details: { field: 'name' },
  });
}

/** Names that are fine as folders of an overlay too. */
function levelProblem(name: string): string | undefined {
  if (name === 'settings') return 'holds "settings", which lies below tenants';
  const problem = nameProblem(name);
  if (problem !== undefined) return problem;
  return /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name) ? undefined : 'holds more than letters, digits, ".", "_" and "-"';
}

function tenantProperties({ title, locale, group, adminGroup }: NewTenant): Record<string, string> {
  const properties: Record<string, string> = {};
  const add = (definition: SettingDefinition<string | undefined>, field: string, value: string | undefined) => {
    if (value === undefined) return;
    const parsed = parseValue(definition, [value]);
    const groupProblem = definition.path === 'tenant' && /group$/iu.test(field) ? nameProblem(value) : undefined;
    const problem = parsed.ok ? groupProblem : parsed.problem;
    if (problem !== undefined) {
      throw new SatchelError('INVALID_REQUEST', `${field} ${problem}.`, { details: { field } });
    }
    properties[definition.name] = value;
  };
  add(tenantTitle, 'title', title);
  add(tenantLocale, 'locale', locale);
  add(tenantGroup, 'group', group);
  add(tenantAdminGroup, 'adminGroup', adminGroup);
  return properties;
}

function assertContentPath(path: string): string {
  assertPath(path);
  if (path !== '/content' && isDescendantOrSelf(path, '/content')) return path;
  throw new SatchelError('INVALID_REQUEST', `content: "${path}" is not below /content.`, { details: { path } });
}

/** @returns the folders it made */
async function prepareFolders(
  session: Session,
  paths: readonly string[],
  createFolders: boolean,
): Promise<readonly string[]> {
  const nodes = await session.findNodes(paths);
  const missing = paths.filter((_, index) => !nodes[index]);
  const [first] = missing;
  if (first !== undefined && !createFolders) {
    throw new SatchelError(
      'PATH_NOT_FOUND',
      `There is no "${first}", or it may not be read. Name content that exists, or ask for missing folders to be made (--create-folders).`,
      { details: { path: first, missing } },
    );
  }
  for (const path of missing) await session.ensureNode(path, { primaryType: folderType }, folderType);
  return missing;
}

/**
 * Content below that of another tenant is no conflict, as the nearest reference counts; a node that refers to another tenant
 * itself is.
 */
async function refuseOthersContent(session: Session, root: string, paths: readonly string[]): Promise<void> {
  const lineages = await readReferences(session, paths);
  for (const [index, path] of paths.entries()) {
    const references = lineages[index] ?? [];
    const own = references.find((reference) => reference.path === path);
    if (!own) continue;
    const named = referencedTenants(references).find(({ referencedAt }) => referencedAt === path);
    if (named?.root === root) continue;
    throw new SatchelError(
      'INVALID_REQUEST',
      `content: ${path} belongs to ${named?.root ?? own.value} already; take its sling:configRef (or cq:conf) out first.`,
      { details: { path, reference: own.value } },
    );
  }
}

/** On the jcr:content where there is one, as AEM has it. */
async function refer(session: Session, path: string, root: string): Promise<void> {
  const content = joinPath(path, 'jcr:content');
  const holder = (await session.findNode(content)) ? content : path;
  await session.setProperties(holder, { 'sling:configRef': root });
}
