/** Writes a configuration as a `.cfg.json` file, with the type of every property. */
import type { OsgiProperties, OsgiProperty, OsgiValue } from './configuration.js';

/** What `parseConfigurationJson` reads back to the same properties. */
export function writeConfigurationJson(properties: OsgiProperties): string {
  const members = [...properties].map(({ name, type, shape, values }) => {
    const list = values.map(valueText).join(', ');
    return `  ${JSON.stringify(`${name}:${declaration(type, shape)}`)}: ${shape === 'scalar' ? list : `[${list}]`}`;
  });
  return `{\n${members.join(',\n')}\n}\n`;
}

function declaration(type: OsgiProperty['type'], shape: OsgiProperty['shape']): string {
  if (shape === 'collection') return `Collection<${type}>`;
  return shape === 'array' ? `${type}[]` : type;
}

/** JSON has no Infinity or NaN, and loses the sign of zero: such numbers are texts, which convert by the declared type. */
function valueText(value: OsgiValue): string {
  const isPlain =
    typeof value === 'bigint' || typeof value === 'boolean' || (Number.isFinite(value) && !Object.is(value, -0));
  return isPlain ? String(value) : JSON.stringify(Object.is(value, -0) ? '-0' : String(value));
}
