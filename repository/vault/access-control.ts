/**
 * What becomes of the access control of a package (`acHandling` in its properties). It is the only thing that decides:
 * import modes do not count. https://jackrabbit.apache.org/filevault/acls.html
 */
import { isPrivilege } from '../access/privileges.js';
import type { Session } from '../api.js';
import { propertiesEqual } from '../convert-value.js';
import { joinPath } from '../path.js';
import { propertyTexts } from '../property-text.js';
import type { Property } from '../value.js';
import type { ContentNode } from './content-tree.js';

/**
 * `ignore`: the package's is not imported. `overwrite`: as in the package, also where it has none. `merge`: principals that
 * the package names have its entries, others keep theirs. `merge_preserve`: principals that have entries keep them, others
 * get the package's. `clear`: there is none afterwards.
 */
export const accessControlHandlings = ['ignore', 'overwrite', 'merge', 'merge_preserve', 'clear'] as const;
export type AccessControlHandling = (typeof accessControlHandlings)[number];

export const policyName = 'rep:policy';
const restrictionsName = 'rep:restrictions';

type Properties = ReadonlyMap<string, Property>;

interface Entry {
  readonly name: string;
  readonly properties: Properties;
  readonly restrictions: Properties | undefined;
}

/** Of Oak; none of them is known here, so they are not imported. */
const otherPolicies: ReadonlySet<string> = new Set(['rep:repoPolicy', 'rep:cugPolicy', 'rep:principalPolicy']);

/** Whether the node is access control, which `acHandling` decides about. */
export function isPolicyName(name: string): boolean {
  return name === policyName || otherPolicies.has(name);
}

export interface AppliedPolicy {
  readonly changed: boolean;
  /** Privileges that mean nothing here, and were left out. */
  readonly unknownPrivileges: readonly string[];
}

/** Applies a packaged rep:policy to its parent. Not saved. @param handling `overwrite`, `merge` or `merge_preserve` */
export async function applyPolicy(
  session: Session,
  parent: string,
  policy: ContentNode,
  handling: AccessControlHandling,
): Promise<AppliedPolicy> {
  const unknownPrivileges = new Set<string>();
  const packaged = [...policy.children.values()].flatMap((node) => packagedEntry(node, unknownPrivileges) ?? []);
  const path = joinPath(parent, policyName);
  const exists = (await session.findNode(path)) !== undefined;
  const existing = await existingEntries(session, path);
  const wanted = combine(existing, packaged, handling);
  const isSame =
    exists && wanted.length === existing.length && wanted.every((entry, index) => isEqual(entry, existing[index]));
  if (!isSame) await writePolicy(session, path, exists, wanted);
  return { changed: !isSame, unknownPrivileges: [...unknownPrivileges] };
}

function combine(existing: readonly Entry[], packaged: readonly Entry[], handling: AccessControlHandling): Entry[] {
  const principals = (entries: readonly Entry[]) => new Set(entries.map(principalOf));
  if (handling === 'merge') {
    const named = principals(packaged);
    return [...existing.filter((entry) => !named.has(principalOf(entry))), ...packaged];
  }
  if (handling === 'merge_preserve') {
    const held = principals(existing);
    return [...existing, ...packaged.filter((entry) => !held.has(principalOf(entry)))];
  }
  return [...packaged];
}

async function writePolicy(session: Session, path: string, exists: boolean, entries: readonly Entry[]): Promise<void> {
  if (exists) await session.remove(path);
  await session.addNode(path, { primaryType: 'rep:ACL', imported: true });
  const taken = new Set<string>();
  for (const { name, properties, restrictions } of entries) {
    let free = name;
    for (let count = 1; taken.has(free); count++) free = `${name}${count}`;
    taken.add(free);
    const entry = await session.addNode(joinPath(path, free), {
      properties: Object.fromEntries(properties),
      imported: true,
    });
    if (!restrictions) continue;
    await session.addNode(joinPath(entry.path, restrictionsName), {
      properties: Object.fromEntries(restrictions),
      imported: true,
    });
  }
}

async function existingEntries(session: Session, path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const { name, properties } of session.children(path)) {
    const restrictions = await session.findNode(joinPath(joinPath(path, name), restrictionsName));
    entries.push({ name, properties, restrictions: restrictions?.properties });
  }
  return entries;
}

/** @returns `undefined` for an entry that is about unknown privileges only */
function packagedEntry({ name, properties, children }: ContentNode, unknown: Set<string>): Entry | undefined {
  const restrictions = children.get(restrictionsName)?.properties;
  const named = properties.get('rep:privileges');
  const strange = propertyTexts(named).filter((privilege) => !isPrivilege(privilege));
  if (!named || strange.length === 0) return { name, properties, restrictions };
  for (const privilege of strange) unknown.add(privilege);
  // Nothing asks for a privilege that is unknown here, so neither granting nor denying it means anything.
  const values = propertyTexts(named).filter((privilege) => isPrivilege(privilege));
  if (values.length === 0) return undefined;
  const privileges: Property = { type: 'Name', multiple: true, values };
  return { name, properties: new Map(properties).set('rep:privileges', privileges), restrictions };
}

function principalOf({ properties }: Entry): string {
  return propertyTexts(properties.get('rep:principalName')).join();
}

function isEqual(one: Entry, other: Entry | undefined): boolean {
  return (
    other !== undefined &&
    sameProperties(one.properties, other.properties) &&
    sameProperties(one.restrictions, other.restrictions)
  );
}

function sameProperties(one: Properties | undefined, other: Properties | undefined): boolean {
  if (one?.size !== other?.size) return false;
  return [...(one ?? [])].every(([name, property]) => propertiesEqual(property, other?.get(name)));
}
