/** Assets that belong to an asset: those taken out of it, and those that a set shows. */
import type { RepositoryNode, Session } from '../repository/api.js';
import { joinPath } from '../repository/path.js';
import { isAsset } from './asset.js';
import { readMembers, type Member } from './members.js';

export const subassetsName = 'subassets';

/** Assets in its child `subassets`, as pages of a document, in child order. */
export async function* subassetsOf(session: Session, asset: string): AsyncGenerator<RepositoryNode> {
  for await (const child of session.children(joinPath(asset, subassetsName))) if (isAsset(child)) yield child;
}

/** Of an image, spin, mixed media or carousel set, in order; nothing for an asset that is no set. */
export function setMembersOf(session: Session, set: string): AsyncIterable<Member> {
  return readMembers(session, joinPath(set, 'jcr:content/related/s7Set'));
}
