/** Which renditions people are offered and get (R5). */
import type { Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import { nameMatcher } from '../rendition-names.js';
import { hiddenRenditions, visibleRenditions } from './definitions.js';
import type { Settings } from './settings.js';

/** Whether a rendition of this name is shown. */
export type RenditionVisibility = (name: string) => boolean;

/** @throws SatchelError INVALID_CONFIGURATION */
export async function readRenditionVisibility(
  session: Session,
  settings: Settings,
  tenant: Tenant,
): Promise<RenditionVisibility> {
  const visible = await settings.read(session, tenant, visibleRenditions);
  const hidden = await settings.read(session, tenant, hiddenRenditions);
  const shows = visible.value.map(nameMatcher);
  const hides = hidden.value.map(nameMatcher);
  return (name) => shows.some((matches) => matches(name)) && !hides.some((matches) => matches(name));
}
