import type { Session } from '../api.js';
import { joinPath } from '../path.js';

/**
 * Brings the named children into an order, right before the last of them; the others stay where they are, and names that
 * do not exist are passed over. Does nothing below a parent whose children have no order.
 */
export async function applyChildOrder(session: Session, parent: string, order: readonly string[]): Promise<void> {
  const node = await session.findNode(parent);
  if (!node || !session.nodeTypes.isOrderable(node.primaryType)) return;
  const current: string[] = [];
  for await (const { name } of session.children(parent)) current.push(name);
  const wanted = order.filter((name) => current.includes(name));
  const named = new Set(wanted);
  const isInOrder = current.filter((name) => named.has(name)).every((name, index) => name === wanted[index]);
  if (isInOrder) return;
  for (let index = wanted.length - 2; index >= 0; index--) {
    await session.orderBefore(joinPath(parent, wanted[index] ?? ''), wanted[index + 1]);
  }
}
