/** Children that node types create, for nodes that came from elsewhere: an import may bring them itself, so they come after it. */
import type { RepositoryNode, Session } from './api.js';
import { joinPath } from './path.js';

/** Whether a node of these types has children that are created with it. */
export function hasAutocreatedChildren({ nodeTypes }: Session, { primaryType, mixins }: RepositoryNode): boolean {
  return nodeTypes.effective(primaryType, mixins).autocreatedChildren.length > 0;
}

/** Adds those that are missing at each path, with what their own types create; not for a path where nothing is any more. */
export async function addAutocreatedChildren(session: Session, paths: Iterable<string>): Promise<void> {
  for (const path of paths) {
    const node = await session.findNode(path);
    if (!node) continue;
    for (const { name, defaultType } of session.nodeTypes.effective(node.primaryType, node.mixins)
      .autocreatedChildren) {
      const child = joinPath(path, name);
      if (defaultType === undefined || (await session.findNode(child))) continue;
      await session.addNode(child, { primaryType: defaultType });
    }
  }
}
