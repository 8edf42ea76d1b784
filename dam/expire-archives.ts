/** Archives that are kept for a time only (D15): when that ends, and taking them out when it did. */
import type { RepositoryNode, Session } from '../repository/api.js';
import type { Tenant } from '../repository/overlay/api.js';
import { downloadsRoot } from './download-job.js';
import { hasRecords, removeRecords } from './download-job-store.js';
import { saveChanges } from './save-changes.js';
import { archiveDays } from './settings/definitions.js';
import type { Settings } from './settings/settings.js';

const dayMilliseconds = 86_400_000;

/** When archives of a tenant that are delivered now expire; `undefined`: never. @throws SatchelError INVALID_CONFIGURATION */
export async function expiryOf(
  session: Session,
  settings: Settings,
  tenant: Tenant,
  delivered: Date,
): Promise<Date | undefined> {
  const { value: days } = await settings.read(session, tenant, archiveDays);
  return days === 0 ? undefined : new Date(delivered.getTime() + days * dayMilliseconds);
}

/** Whether the archives of a download are not given out any more, whether or not they were taken out already. */
export function isExpired(download: RepositoryNode, now: Date): boolean {
  const expires = download.text('expires');
  return expires !== undefined && Date.parse(expires) <= now.getTime();
}

/**
 * Takes the archives of expired downloads out, so that their bytes can be collected where nothing else needs them. The record of the
 * download stays: who asked for what, and what was delivered. Saves download by download.
 * @returns how many
 */
export async function removeExpiredArchives(session: Session, now: Date, signal?: AbortSignal): Promise<number> {
  const expired: string[] = [];
  for await (const node of session.children(downloadsRoot)) {
    if (isExpired(node, now) && (await hasRecords(session, node.path))) expired.push(node.path);
  }
  for (const path of expired) {
    signal?.throwIfAborted();
    await saveChanges(session, () => removeRecords(session, path));
  }
  return expired.length;
}
