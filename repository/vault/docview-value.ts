/**
 * Property values in FileVault's text notation: `text`, `{Long}42`, `[a,b]`, `{Name}[a,b]`; `\` escapes `\ , [ {`, and
 * `\u0041` is a character. https://jackrabbit.apache.org/filevault/docview.html
 */
import { toProperty } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import type { Property, PropertyType } from '../value.js';

export const propertyTypes: readonly PropertyType[] = [
  'String',
  'Binary',
  'Long',
  'Double',
  'Decimal',
  'Date',
  'Boolean',
  'Name',
  'Path',
  'Reference',
  'WeakReference',
  'URI',
];

/**
 * @param name decides the type where the text does not: names for jcr:primaryType and jcr:mixinTypes
 * @throws INVALID_VALUE
 */
export function parseDocViewValue(name: string, text: string): Property {
  const [, typeName] = /^\{([^}]*)\}/.exec(text) ?? [];
  const type = typeName === undefined ? defaultType(name) : propertyTypes.find((known) => known === typeName);
  if (!type) {
    throw new RepositoryError(
      'INVALID_VALUE',
      `Property "${name}" has the unknown type "{${typeName ?? ''}}"; a text that starts with "{" is written "\\{".`,
    );
  }
  const { multiple, values } = splitValues(typeName === undefined ? text : text.slice(typeName.length + 2));
  return toProperty(name, { type, multiple, values });
}

function defaultType(name: string): PropertyType {
  return name === 'jcr:primaryType' || name === 'jcr:mixinTypes' ? 'Name' : 'String';
}

function splitValues(text: string): { multiple: boolean; values: string[] } {
  const multiple = text.startsWith('[') && text.endsWith(']') && !endsEscaped(text);
  const body = multiple ? text.slice(1, -1) : text;
  const values: string[] = [];
  let value = '';
  let escaped = false;
  for (const [token, code] of body.matchAll(/\\u([0-9a-fA-F]{4})|\\[^]|[^]/g)) {
    if (code !== undefined) value += String.fromCharCode(parseInt(code, 16));
    else if (token === ',' && multiple) {
      values.push(value);
      value = '';
      continue;
    } else if (token === '\\0') {
      // FileVault writes the list of one empty text so, to tell it from the empty list.
      escaped = true;
    } else value += token.length > 1 ? token.slice(1) : token;
  }
  if (!multiple || body !== '' || escaped) values.push(value);
  return { multiple, values };
}

/** Whether the last character is escaped: behind an odd number of backslashes. */
function endsEscaped(text: string): boolean {
  return (/(\\*).$/s.exec(text)?.[1]?.length ?? 0) % 2 === 1;
}
