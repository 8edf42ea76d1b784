/** Where people reach this installation: what the links in mails start with. */
import type { OsgiConfigurations } from './osgi-configurations.js';
import { externalUrlOf } from './osgi-externalizer.js';
import { externalizerPid } from './osgi-mappings.js';

/**
 * The domain of the link externalizer that is in force now, else `own`. Without a slash at the end.
 * @param own of the configuration, or of this machine
 */
export async function externalUrl(osgi: OsgiConfigurations, own: string): Promise<string> {
  const externalizer = await osgi.active(externalizerPid);
  const domain = externalizer?.properties && externalUrlOf(externalizer.properties, osgi.runModes);
  return domain ?? own;
}
