/**
 * Property values in FileVault's text notation: `text`, `{Long}42`, `[a,b]`, `{Name}[a,b]`; `\` escapes `\ , [ {`, and
 * `\u0041` is a character. https://jackrabbit.apache.org/filevault/docview.html
 */
import { toProperty } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import type { BinaryValue, Property, PropertyType, Value } from '../value.js';

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

/**
 * As FileVault writes a value, which `parseDocViewValue` reads back as it was. Binary properties are written as `{Binary}`
 * and a comma for each further value: their bytes lie elsewhere.
 */
export function formatDocViewValue(name: string, { type, multiple, values }: Property): string {
  const isNamed = type === 'String' || (type === 'Name' && defaultType(name) === 'Name');
  const texts = values.map((value) => (typeof value === 'object' ? '' : escapeValue(valueText(type, value), multiple)));
  // An empty text is marked where it would else be no value at all.
  const body = texts.length === 1 && texts[0] === '' ? '\\0' : texts.join(',');
  if (type === 'Binary' && !multiple) return '{Binary}';
  return `${isNamed ? '' : `{${type}}`}${multiple ? `[${body}]` : body}`;
}

function valueText(type: PropertyType, value: Exclude<Value, BinaryValue>): string {
  // Java writes whole doubles so, and the sign of zero would be lost else.
  if (type === 'Double' && Number.isInteger(value) && Math.abs(Number(value)) < 1e7) {
    return `${Object.is(value, -0) ? '-0' : String(value)}.0`;
  }
  return String(value);
}

function escapeValue(text: string, multiple: boolean): string {
  const escaped = text.replace(multiple ? /[\\,]/g : /\\|^[[{]/g, (character) => `\\${character}`);
  // What XML cannot hold even as a reference.
  // eslint-disable-next-line no-control-regex
  return escaped.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** A binary by hash, size and checksum. Only for what stays in this repository. */
export function formatBinaryReference({ multiple, values }: Property): string {
  const texts = values.map((value) =>
    typeof value === 'object' ? `${value.sha256};${value.size};${value.crc32}` : '',
  );
  return `{BinaryRef}${multiple ? `[${texts.join(',')}]` : texts.join()}`;
}

/** @throws INVALID_VALUE */
export function parseBinaryReference(name: string, text: string): Property {
  const { multiple, values } = splitValues(text);
  const binaries = values.map((value): BinaryValue => {
    const [sha256 = '', size = '', crc32 = ''] = value.split(';');
    return { sha256, size: Number(size), crc32: Number(crc32) };
  });
  return toProperty(name, { type: 'Binary', multiple, values: binaries });
}
