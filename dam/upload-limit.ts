/** How large a file may be that somebody adds. */
import type { Session } from '../repository/api.js';
import type { OverlayResolver } from '../repository/overlay/api.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { formatBytes } from './limits.js';
import { settingName } from './settings/define-setting.js';
import { uploadBytes } from './settings/definitions.js';
import type { Settings } from './settings/settings.js';

/**
 * @param session reads configuration, which who uploads need not see
 * @param folder where the file goes; its tenant's limit counts
 * @throws SatchelError LIMIT_EXCEEDED with the numbers
 */
export async function checkUploadSize(
  session: Session,
  { overlay, settings }: { readonly overlay: OverlayResolver; readonly settings: Settings },
  { folder, name, bytes }: { readonly folder: string; readonly name: string; readonly bytes: number },
): Promise<void> {
  const limit = await settings.read(session, await overlay.tenantOf(session, folder), uploadBytes);
  if (bytes <= limit.value) return;
  throw new SatchelError(
    'LIMIT_EXCEEDED',
    `"${name}" has ${formatBytes(bytes)}; at most ${formatBytes(limit.value)} in one file (${settingName(uploadBytes)} of tenant "${limit.tenant}" from ${limit.layer}).`,
    { details: { limit: 'upload', allowed: limit.value, actual: bytes, tenant: limit.tenant, layer: limit.layer } },
  );
}
