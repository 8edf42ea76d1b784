/**
 * Collections as AEM keeps them, below `/content/dam/collections`: a node with `sling:resourceType` `dam/collection` and members
 * (dam/members.ts), which are assets, folders or other collections.
 */
import type { RepositoryNode, Session } from '../repository/api.js';
import { RepositoryError } from '../repository/errors.js';
import { joinPath } from '../repository/path.js';
import { addMember, membersName, removeMember } from './members.js';

export const collectionsRoot = '/content/dam/collections';
const resourceTypeName = 'sling:resourceType';
const collectionType = 'dam/collection';

export function isCollection(node: RepositoryNode): boolean {
  return node.text(resourceTypeName) === collectionType;
}

/** A saved search. */
export function isSmartCollection(node: RepositoryNode): boolean {
  return node.text(resourceTypeName) === 'dam/smartcollection';
}

export interface NewCollection {
  readonly title?: string;
  readonly description?: string;
}

/**
 * Makes an empty collection; the caller saves.
 * @param name below `/content/dam/collections`; may have folders, as `m/mara/lookbook`
 * @returns its path
 * @throws RepositoryError ITEM_EXISTS, INVALID_PATH
 */
export async function createCollection(
  session: Session,
  name: string,
  { title, description }: NewCollection = {},
): Promise<string> {
  const path = joinPath(collectionsRoot, name);
  await session.ensureNode(path.slice(0, path.lastIndexOf('/')), { primaryType: 'sling:Folder' }, 'sling:Folder');
  await session.addNode(path, {
    primaryType: 'nt:unstructured',
    properties: {
      [resourceTypeName]: collectionType,
      // What Sling falls back to where it does not know the type.
      'sling:resourceSuperType': 'sling/collection',
      ...(title !== undefined && { 'jcr:title': title }),
      ...(description !== undefined && { 'jcr:description': description }),
    },
  });
  await session.addNode(joinPath(path, membersName), { primaryType: 'nt:unstructured' });
  return path;
}

/**
 * Adds an asset, a folder or another collection at the end, once; the caller saves. An asset stays a member when it is
 * moved, as does any member that is referenceable.
 * @throws RepositoryError PATH_NOT_FOUND, CONSTRAINT_VIOLATION (no collection)
 */
export async function addToCollection(session: Session, collection: string, path: string): Promise<void> {
  await requireCollection(session, collection);
  await session.ensureNode(joinPath(collection, membersName), { primaryType: 'nt:unstructured' });
  await addMember(session, collection, path);
}

/**
 * Takes a member out by its path, also one that does not exist any more; the caller saves. Nothing happens when it is none.
 * @throws RepositoryError PATH_NOT_FOUND (the collection), CONSTRAINT_VIOLATION (no collection)
 */
export async function removeFromCollection(session: Session, collection: string, path: string): Promise<void> {
  await requireCollection(session, collection);
  await removeMember(session, collection, path);
}

async function requireCollection(session: Session, path: string): Promise<void> {
  if (isCollection(await session.getNode(path))) return;
  throw new RepositoryError(
    'CONSTRAINT_VIOLATION',
    `The node ${path} is no collection: name one whose ${resourceTypeName} is ${collectionType}.`,
    { paths: [path] },
  );
}
