/** What placeholders of OSGi configurations stand for: variables that the deployment names, and files of a folder of secrets. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { PlaceholderSource, PlaceholderValue } from '../repository/osgi/placeholders.js';
import type { Configuration } from './configuration.js';

/** More is no secret. */
const maxSecretBytes = 64 * 1024;

export const noPlaceholders: PlaceholderSource = {
  find: (kind) => ({ missing: kind === 'env' ? 'is not among those of osgi.env' : 'has no folder osgi.secrets' }),
};

/**
 * Configurations are content, and whoever may write them could read any variable of the process: so only those count that
 * are named. Secrets are read anew with every look at the configurations.
 */
export function createPlaceholders(
  { env: names, secrets: folder }: Configuration['osgi'],
  environment: NodeJS.ProcessEnv,
): PlaceholderSource {
  const allowed = new Set(names);
  return {
    find: (kind, name) => {
      if (kind === 'secret') return folder === undefined ? noPlaceholders.find(kind, name) : readSecret(folder, name);
      if (!allowed.has(name)) return noPlaceholders.find(kind, name);
      const text = environment[name];
      return text === undefined ? { missing: 'is not set' } : { text };
    },
  };
}

/** As Kubernetes mounts them: one file a secret. */
function readSecret(folder: string, name: string): PlaceholderValue {
  if (!/^[\w-][\w.-]*$/.test(name)) return { missing: 'has no name for a secret: letters, digits, ".", "_" and "-"' };
  const file = path.join(folder, name);
  try {
    if (statSync(file).size > maxSecretBytes) return { missing: `is larger than ${maxSecretBytes} bytes` };
    // Editors end a file with a line break, which no secret has.
    return { text: readFileSync(file, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    return { missing: code === 'ENOENT' ? 'is not in the folder osgi.secrets' : `cannot be read (${code})` };
  }
}
