/**
 * `.cfg.json`: one configuration of the Configuration JSON format (OSGi Compendium R8, section 150.4). A name may carry the
 * type, `"max:Integer": 5`, `"paths:Collection<String>": […]`; JavaScript comments are allowed, as the specification's reader does.
 */
import { parseJson, type JsonDocument, type JsonMember } from '../content/json-document.js';
import { printable } from '../path.js';
import {
  addProperty,
  configurationError,
  OsgiProperties,
  osgiTypes,
  valueFromText,
  wholeNumber,
  wrongValue,
  type OsgiProperty,
  type OsgiType,
  type OsgiValue,
} from './configuration.js';

/** What concerns the reader rather than the component; it is no property. */
const configuratorPrefix = ':configurator:';

const primitives = new Map<string, OsgiType>([
  ['int', 'Integer'],
  ['long', 'Long'],
  ['float', 'Float'],
  ['double', 'Double'],
  ['byte', 'Byte'],
  ['short', 'Short'],
  ['char', 'Character'],
  ['boolean', 'Boolean'],
]);

type Scalar = JsonDocument & { kind: 'scalar' };

interface DeclaredType {
  /** `undefined`: as the values have it. */
  readonly type: OsgiType | undefined;
  readonly shape: OsgiProperty['shape'];
}

/** @param file for messages @throws INVALID_CONTENT_FILE with the line */
export function parseConfigurationJson(text: string, file: string): OsgiProperties {
  const document = parseJson(withoutComments(text), (line, problem, column) =>
    configurationError(file, column === undefined ? { line } : { line, column }, problem),
  );
  if (document.kind !== 'object') throw configurationError(file, { line: document.line }, 'the document is no object');
  const properties = new OsgiProperties();
  for (const member of document.members) {
    const property = readProperty(member, (problem) => configurationError(file, { line: member.line }, problem));
    if (property) addProperty(properties, property, file);
  }
  return properties;
}

/** Comments become blanks, so that lines and columns stay. Quotes within them, and slashes within texts, count for nothing. */
function withoutComments(text: string): string {
  return text.replaceAll(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n\r]*|\/\*[^]*?\*\//g, (token) =>
    token.startsWith('"') ? token : token.replaceAll(/[^\n\r]/g, ' '),
  );
}

function readProperty({ name: key, line, value }: JsonMember, fail: (problem: string) => Error) {
  if (key.startsWith(configuratorPrefix)) return undefined;
  const colon = key.indexOf(':');
  const name = colon < 0 ? key : key.slice(0, colon);
  if (name === '') throw fail(`"${printable(key)}" has no name`);
  const named = `the value of "${printable(name)}"`;
  const declared = colon < 0 ? undefined : declaredType(key.slice(colon + 1));
  if (colon >= 0 && !declared) throw fail(`"${printable(key)}" has an unknown type; "max:Integer" has a known one`);
  // The specification has objects as the text of their JSON, for components that parse it themselves.
  if (value.kind === 'object' || (value.kind === 'array' && !value.items.every(isScalar))) {
    if (declared?.type !== undefined && declared.type !== 'String') throw fail(`${named} is no ${declared.type}`);
    return { name, type: 'String', shape: 'scalar', values: [jsonText(value)], line } as const;
  }
  const items = (value.kind === 'array' ? value.items : [value]).filter(isScalar);
  // "null" leaves the property out; of a collection it makes an empty one.
  if (value.kind === 'scalar' && value.value === null) {
    if (declared?.shape !== 'collection') return undefined;
    return { name, type: declared.type ?? 'String', shape: declared.shape, values: [], line } as const;
  }
  const shape = declared?.shape ?? (value.kind === 'array' ? 'array' : 'scalar');
  const type = declared?.type ?? commonType(items);
  if (!type) throw fail(`${named} is a list of different types`);
  if (shape === 'scalar' && items.length !== 1) throw fail(`${named} is a list; write "${printable(name)}:${type}[]"`);
  const values = items.map((item): OsgiValue => {
    const converted = convert(type, item);
    if (converted === undefined) throw fail(wrongValue(name, type, jsonText(item)));
    return converted;
  });
  return { name, type, shape, values, line };
}

function isScalar(document: JsonDocument): document is Scalar {
  return document.kind === 'scalar';
}

/** @returns `undefined` for a type that is none */
function declaredType(text: string): DeclaredType | undefined {
  const known = (name: string) => osgiTypes.find((type) => type === name);
  if (text === 'Collection') return { type: undefined, shape: 'collection' };
  const [, element] = /^Collection<(\w+)>$/.exec(text) ?? [];
  const [, plain = '', brackets] = /^(\w+)(\[\])?$/.exec(text) ?? [];
  const type = element === undefined ? (known(plain) ?? primitives.get(plain)) : known(element);
  if (!type) return undefined;
  return { type, shape: element === undefined ? (brackets ? 'array' : 'scalar') : 'collection' };
}

/** Without a declaration whole numbers are Long and others Double; an empty list is one of texts. */
function commonType(items: readonly Scalar[]): OsgiType | undefined {
  const types = new Set(items.map(typeOf));
  if (types.size === 2 && types.has('Long') && types.has('Double')) return 'Double';
  const [type = 'String'] = types;
  return types.size > 1 ? undefined : type;
}

function typeOf({ value, token }: Scalar): OsgiType {
  if (typeof value === 'boolean') return 'Boolean';
  if (typeof value === 'string' || value === null) return 'String';
  return typeof value === 'bigint' || (token !== undefined && /^-?\d+$/.test(token)) ? 'Long' : 'Double';
}

/** As the OSGi converter does it: through text, where the JSON value is not of the type already. */
function convert(type: OsgiType, { value, token }: Scalar): OsgiValue | undefined {
  if (value === null) return undefined;
  if (typeof value === 'boolean' && type !== 'Boolean' && type !== 'String') return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && isWhole(type)) return wholeNumber(type, BigInt(value));
  return valueFromText(type, token ?? String(value));
}

function isWhole(type: OsgiType): type is 'Integer' | 'Long' | 'Byte' | 'Short' {
  return type === 'Integer' || type === 'Long' || type === 'Byte' || type === 'Short';
}

function jsonText(document: JsonDocument): string {
  switch (document.kind) {
    case 'scalar':
      return document.token ?? JSON.stringify(document.value);
    case 'array':
      return `[${document.items.map(jsonText).join(',')}]`;
    case 'object':
      return `{${document.members.map(({ name, value }) => `${JSON.stringify(name)}:${jsonText(value)}`).join(',')}}`;
  }
}
