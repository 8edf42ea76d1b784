/** Which configuration a file or node is for, by its name alone (org.apache.sling.installer.factories.configuration). */

/** In this order: `.cfg.json` does not end with `.cfg`. */
const extensions = ['.config', '.properties', '.cfg', '.cfg.json'] as const;
export type ConfigurationExtension = (typeof extensions)[number];

export interface ConfigurationPid {
  /** Persistent identity; of a factory configuration `factory~name`. */
  readonly pid: string;
  /** The factory and the name within it, `com.example.Pool` and `small`. */
  readonly factory?: { readonly pid: string; readonly name: string };
}

/** @returns `undefined` for a file that is no configuration */
export function configurationExtension(fileName: string): ConfigurationExtension | undefined {
  const extension = extensions.find((candidate) => fileName.endsWith(candidate));
  return extension !== undefined && fileName.length > extension.length ? extension : undefined;
}

/** `factory.<uuid>`: as Felix names the files of factory configurations itself. */
const felixFactory = /^(.+)\.([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/;

/**
 * `com.example.Service.config`, `com.example.Pool-small.config` and `com.example.Pool~small.cfg.json`; a node has the name
 * without an extension. `~` goes before `-`, and the first one separates.
 */
export function pidOf(fileName: string): ConfigurationPid {
  const extension = configurationExtension(fileName);
  const base = extension === undefined ? fileName : fileName.slice(0, -extension.length);
  const [, felixPid, uuid] = felixFactory.exec(base) ?? [];
  if (felixPid !== undefined && uuid !== undefined) return factoryPid(felixPid, uuid);
  const tilde = base.indexOf('~');
  const separator = tilde < 0 ? base.indexOf('-') : tilde;
  return separator > 0 ? factoryPid(base.slice(0, separator), base.slice(separator + 1)) : { pid: base };
}

function factoryPid(pid: string, name: string): ConfigurationPid {
  return { pid: `${pid}~${name}`, factory: { pid, name } };
}
