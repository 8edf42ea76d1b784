/** Where things are kept that every data folder of this user can share: the Temporal program, compiled plugins. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * `SATCHEL_CACHE`, else `%LOCALAPPDATA%\satchel` on Windows, else `$XDG_CACHE_HOME/satchel`, else `~/.cache/satchel`.
 * The folder may not exist yet.
 */
export function userCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { SATCHEL_CACHE, LOCALAPPDATA, XDG_CACHE_HOME } = environment;
  if (SATCHEL_CACHE) return SATCHEL_CACHE;
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'satchel');
  return join(XDG_CACHE_HOME ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'satchel');
}
