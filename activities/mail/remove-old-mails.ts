/** Retention of the mail log. */
import type { Session } from '../../repository/api.js';
import { parentOf } from '../../repository/path.js';
import { mailOutboxRoot, mailType } from './outbox.js';

/** Taken out in one save. */
const batchSize = 200;

/**
 * Removes the records of mails that were written before a moment and wait for nothing, and outboxes of mails without a download
 * that are empty then.
 * @param session one that may write below /var/mail and /var/dam
 * @returns how many mails
 */
export async function removeOldMails(session: Session, before: Date, signal: AbortSignal): Promise<number> {
  let removed = 0;
  for (;;) {
    signal.throwIfAborted();
    await session.refresh();
    const result = await session.query({
      path: '/var',
      type: mailType,
      where: {
        and: [
          { property: 'created', op: '<', value: before },
          { property: 'state', op: 'in', value: ['sent', 'failed'] },
        ],
      },
      order: [{ property: 'created' }],
      limit: batchSize,
    });
    const paths: string[] = [];
    for await (const node of result.nodes()) paths.push(node.path);
    if (paths.length === 0) return removed;
    for (const path of paths) await session.remove(path);
    for (const outbox of new Set(paths.map((path) => parentOf(path)))) {
      if (parentOf(outbox) === mailOutboxRoot && (await isEmpty(session, outbox))) await session.remove(outbox);
    }
    await session.save();
    removed += paths.length;
  }
}

async function isEmpty(session: Session, path: string): Promise<boolean> {
  for await (const _child of session.children(path)) return false;
  return true;
}
