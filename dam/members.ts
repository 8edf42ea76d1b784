/**
 * Members as Sling keeps them (`sling/collection`), in collections and in sets alike:
 *
 *     sling:members             sling:resources = paths, in order
 *       <any name>              sling:resource = path      satchel:resource = the member's identifier, where it has a lasting one
 */
import type { RepositoryNode, Session } from '../repository/api.js';
import { RepositoryError } from '../repository/errors.js';
import { joinPath, nameOf } from '../repository/path.js';
import { isAsset } from './asset.js';

export const membersName = 'sling:members';
const orderName = 'sling:resources';
const pathName = 'sling:resource';
/** Ours, beside AEM's path: a member that is moved stays one. */
const identifierName = 'satchel:resource';

export interface Member {
  /** As it is written down. */
  readonly storedPath: string;
  /** Where it is now; `undefined` when it is nowhere, or may not be read: the same answer. */
  readonly path: string | undefined;
}

interface StoredMember {
  readonly storedPath: string;
  /** The node that stands for it, where there is one: AEM's order alone makes a member too. */
  readonly memberNode: string | undefined;
  readonly identifier: string | undefined;
}

/** In order; by identifier where there is one and it still leads somewhere, else by path. Nothing where no members are. */
export async function* readMembers(session: Session, holder: string): AsyncGenerator<Member> {
  for (const { storedPath, identifier } of await storedMembers(session, holder)) {
    yield { storedPath, path: (await findMember(session, storedPath, identifier))?.path };
  }
}

async function findMember(
  session: Session,
  storedPath: string,
  identifier: string | undefined,
): Promise<RepositoryNode | undefined> {
  const moved = identifier === undefined ? undefined : await session.findNodeByIdentifier(identifier);
  if (moved) return moved;
  try {
    return await session.findNode(storedPath);
  } catch (error) {
    // What a package brought need not be a path.
    if (error instanceof RepositoryError && error.code === 'INVALID_PATH') return undefined;
    throw error;
  }
}

/** Those of the order first, then member nodes that it lacks. */
async function storedMembers(session: Session, holder: string): Promise<StoredMember[]> {
  const membersPath = joinPath(holder, membersName);
  const order = (await session.findNode(membersPath))?.texts(orderName) ?? [];
  const members = new Map<string, StoredMember>();
  for (const storedPath of order) members.set(storedPath, { storedPath, memberNode: undefined, identifier: undefined });
  for await (const node of session.children(membersPath)) {
    const storedPath = node.text(pathName);
    if (storedPath === undefined) continue;
    members.set(storedPath, { storedPath, memberNode: node.path, identifier: node.text(identifierName) });
  }
  return [...members.values()];
}

/**
 * Adds a member at the end; nothing happens when it is one. Paths of members that moved are brought up to date. The caller
 * saves.
 * @throws RepositoryError PATH_NOT_FOUND (the member, or the holder's `sling:members`)
 */
export async function addMember(session: Session, holder: string, path: string): Promise<void> {
  const member = await withIdentifier(session, await session.getNode(path));
  const settled = await settleMembers(session, holder);
  if (settled.includes(path)) return;
  const { identifier } = member;
  const referenceable = isReferenceable(session, member);
  await setOrder(session, holder, [...settled, path]);
  await session.addNode(await freePath(session, joinPath(holder, membersName), member.name), {
    properties: {
      [pathName]: path,
      ...(referenceable && {
        [identifierName]: { type: 'WeakReference', multiple: false, values: [identifier] } as const,
      }),
    },
  });
}

function isReferenceable({ nodeTypes }: Session, { primaryType, mixins }: RepositoryNode): boolean {
  return nodeTypes.isNodeType(primaryType, mixins, 'mix:referenceable');
}

/**
 * Assets that came in without an identifier of their own get one, so that they stay members when they are moved. Who may not
 * change the asset, or finds it checked in, collects it by its path.
 */
async function withIdentifier(session: Session, node: RepositoryNode): Promise<RepositoryNode> {
  const { path, mixins } = node;
  if (!isAsset(node) || isReferenceable(session, node)) return node;
  if (!(await session.hasPrivileges(path, 'jcr:nodeTypeManagement'))) return node;
  if (!(await session.versions.isCheckedOut(path))) return node;
  return session.setProperties(path, { 'jcr:mixinTypes': [...mixins, 'mix:referenceable'] });
}

/** Takes out the member at `path`, also where nothing is any more; nothing happens when there is none. The caller saves. */
export async function removeMember(session: Session, holder: string, path: string): Promise<void> {
  const settled = await settleMembers(session, holder);
  const stored = await storedMembers(session, holder);
  const leaving = stored.find(({ storedPath }) => storedPath === path);
  if (!leaving) return;
  if (leaving.memberNode !== undefined) await session.remove(leaving.memberNode);
  await setOrder(
    session,
    holder,
    settled.filter((member) => member !== path),
  );
}

/** Writes down where members are now, so that a path means one member. @returns the paths, in order */
async function settleMembers(session: Session, holder: string): Promise<string[]> {
  const settled = new Set<string>();
  let moved = false;
  for (const { storedPath, memberNode, identifier } of await storedMembers(session, holder)) {
    const path = (await findMember(session, storedPath, identifier))?.path ?? storedPath;
    settled.add(path);
    if (path === storedPath) continue;
    moved = true;
    if (memberNode !== undefined) await session.setProperties(memberNode, { [pathName]: path });
  }
  if (moved) await setOrder(session, holder, [...settled]);
  return [...settled];
}

async function setOrder(session: Session, holder: string, paths: readonly string[]): Promise<void> {
  await session.setProperties(joinPath(holder, membersName), {
    [orderName]: { type: 'String', multiple: true, values: paths },
  });
}

/** Members of one name lie in one folder: those that come later are numbered, as Sling does. */
async function freePath(session: Session, folder: string, name: string): Promise<string> {
  const taken = new Set<string>();
  for await (const child of session.children(folder)) taken.add(nameOf(child.path));
  let free = name;
  for (let number = 0; taken.has(free); number += 1) free = `${name}${number}`;
  return joinPath(folder, free);
}
