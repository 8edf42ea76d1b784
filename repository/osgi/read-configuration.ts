/** From bytes or a node to the properties of a configuration. */
import type { RepositoryNode } from '../api.js';
import { nameOf } from '../path.js';
import type { Property } from '../value.js';
import { configurationError, OsgiProperties, type OsgiProperty, type OsgiType } from './configuration.js';
import { parseConfigurationJson } from './parse-configuration-json.js';
import { parseFelixConfig } from './parse-felix-config.js';
import { parseProperties } from './parse-properties.js';
import { configurationExtension } from './pid.js';

/** A larger file is no configuration. */
export const maxConfigurationBytes = 2 ** 20;

/**
 * @param file its name says the format; it stands in messages
 * @throws INVALID_CONTENT_FILE with file and line
 */
export function readConfigurationFile(bytes: Uint8Array, file: string): OsgiProperties {
  if (bytes.length > maxConfigurationBytes) {
    throw configurationError(file, { line: 1 }, `has ${bytes.length} bytes, more than ${maxConfigurationBytes}`);
  }
  switch (configurationExtension(nameOf(file))) {
    case '.config':
      return parseFelixConfig(decodeUtf8(bytes, file), file);
    case '.cfg.json':
      return parseConfigurationJson(decodeUtf8(bytes, file), file);
    default:
      // java.util.Properties.load reads a stream as ISO 8859-1.
      return parseProperties(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), file);
  }
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw configurationError(file, { line: 1 }, `is no UTF-8 text (${String(cause)})`);
  }
}

const typeOfProperty: Readonly<Partial<Record<Property['type'], OsgiType>>> = {
  Long: 'Long',
  Double: 'Double',
  Boolean: 'Boolean',
};

/** A node of type sling:OsgiConfig: its properties, but those with a namespace, and binaries, which no configuration has. */
export function readConfigurationNode(node: Pick<RepositoryNode, 'properties'>): OsgiProperties {
  const properties = new OsgiProperties();
  for (const [name, { type, multiple, values }] of node.properties) {
    if (name.includes(':') || type === 'Binary') continue;
    const osgiType = typeOfProperty[type] ?? 'String';
    const shape: OsgiProperty['shape'] = multiple ? 'array' : 'scalar';
    const plain = values.filter((value) => typeof value !== 'object');
    properties.add({ name, type: osgiType, shape, values: plain, line: 0 });
  }
  return properties;
}
