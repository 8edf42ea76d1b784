/** Finds what lies in install folders, whatever run modes are active. */
import type { RepositoryNode, Session } from '../api.js';
import { nameOf, parentOf } from '../path.js';
import type { BinaryValue } from '../value.js';
import { configurationError, type OsgiProperties } from './configuration.js';
import { installFolderOf, installRoots, mayHoldInstallFolders, type InstallFolder } from './install-folder.js';
import { configurationExtension, pidOf, type ConfigurationPid } from './pid.js';
import { maxConfigurationBytes, readConfigurationFile, readConfigurationNode } from './read-configuration.js';

/** Type of nodes whose properties are a configuration. */
export const osgiConfigType = 'sling:OsgiConfig';

export interface ConfigurationSource extends ConfigurationPid {
  /** Of the file or node. */
  readonly path: string;
  readonly folder: InstallFolder;
  /** Of a file. */
  readonly data?: BinaryValue;
  /** Of a sling:OsgiConfig node. */
  readonly properties?: OsgiProperties;
}

/** In no particular order, and what the session may read. */
export async function* findConfigurations(session: Session): AsyncGenerator<ConfigurationSource> {
  for (const root of installRoots) yield* search(session, root);
}

async function* search(session: Session, parent: string): AsyncGenerator<ConfigurationSource> {
  for await (const child of session.children(parent)) {
    const folder = installFolderOf(child.path);
    if (folder) yield* scan(session, folder);
    else if (mayHoldInstallFolders(child.path) && child.primaryType !== 'nt:file') yield* search(session, child.path);
  }
}

async function* scan(session: Session, folder: InstallFolder): AsyncGenerator<ConfigurationSource> {
  for await (const node of session.descendants(folder.path)) {
    const source = configurationIn(folder, node);
    if (source) yield source;
  }
}

/** @returns `undefined` for a node that is no configuration; the one of a file is its jcr:content, where the bytes lie */
export function configurationAt(node: RepositoryNode): ConfigurationSource | undefined {
  const folder = installFolderOf(node.path);
  return folder && configurationIn(folder, node);
}

function configurationIn(folder: InstallFolder, node: RepositoryNode): ConfigurationSource | undefined {
  if (node.primaryType === osgiConfigType) {
    return { ...pidOf(node.name), path: node.path, folder, properties: readConfigurationNode(node) };
  }
  const data = node.name === 'jcr:content' ? node.binary('jcr:data') : undefined;
  const path = parentOf(node.path);
  if (!data || configurationExtension(nameOf(path)) === undefined) return undefined;
  return { ...pidOf(nameOf(path)), path, folder, data };
}

/** @throws INVALID_CONTENT_FILE with file and line; BLOB_MISSING */
export async function readConfiguration(session: Session, source: ConfigurationSource): Promise<OsgiProperties> {
  if (source.properties) return source.properties;
  if (!source.data) throw new Error(`${source.path} is neither a file nor a node`);
  return readConfigurationData(session, source.data, source.path);
}

/** @throws INVALID_CONTENT_FILE with file and line; BLOB_MISSING */
export async function readConfigurationData(
  session: Session,
  data: BinaryValue,
  file: string,
): Promise<OsgiProperties> {
  if (data.size > maxConfigurationBytes) {
    throw configurationError(file, { line: 1 }, `has ${data.size} bytes, more than ${maxConfigurationBytes}`);
  }
  return readConfigurationFile(await session.readBinary(data, maxConfigurationBytes), file);
}
