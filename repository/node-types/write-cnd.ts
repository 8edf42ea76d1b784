/** Writes node types as CND (JCR 2.0, section 25.2), laid out as Jackrabbit does. */
import type { ChildDefinition, NodeTypeDefinition, NodeTypeDocument, PropertyDefinition } from './definition.js';

/** `parseCnd` reads the same definitions from it. */
export function writeCnd({ namespaces, types }: NodeTypeDocument): string {
  const mappings = [...namespaces].map(([prefix, uri]) => `<${quoted(prefix)}=${quoted(uri)}>\n`);
  return [mappings.join(''), ...types.map(writeType)].filter((part) => part !== '').join('\n');
}

/** The namespaces among `known` whose prefix appears in the names of the types. */
export function namespacesOf(
  types: readonly NodeTypeDefinition[],
  known: NodeTypeDocument['namespaces'],
): Map<string, string> {
  const names = types.flatMap((type) => [
    type.name,
    ...type.supertypes,
    ...type.properties.map(({ name }) => name),
    ...type.children.flatMap(({ name, requiredTypes, defaultType }) => [name, ...requiredTypes, defaultType ?? '']),
  ]);
  const used = new Set(names.flatMap((name) => (name.includes(':') ? [name.slice(0, name.indexOf(':'))] : [])));
  return new Map([...known].filter(([prefix]) => used.has(prefix)));
}

function writeType(type: NodeTypeDefinition): string {
  const supertypes = type.supertypes.length > 0 ? ` > ${type.supertypes.map(word).join(', ')}` : '';
  const attributes = [
    type.abstract && 'abstract',
    type.orderable && 'orderable',
    type.mixin && 'mixin',
    !type.queryable && 'noquery',
    type.primaryItem !== undefined && `primaryitem ${word(type.primaryItem)}`,
  ].filter((part) => part !== false);
  const lines = [
    `[${word(type.name)}]${supertypes}`,
    ...(attributes.length > 0 ? [attributes.join(' ')] : []),
    ...type.properties.map(writeProperty),
    ...type.children.map(writeChild),
  ];
  return `${lines.join('\n  ')}\n`;
}

export function writeProperty(property: PropertyDefinition): string {
  return joined([
    `- ${itemName(property.name)}`,
    `(${property.type.toLowerCase()})`,
    property.defaults.length > 0 && `= ${property.defaults.map(quoted).join(', ')}`,
    property.multiple && 'multiple',
    ...itemAttributes(property),
    property.queryOperators !== undefined && `queryops ${quoted(property.queryOperators.join(', '))}`,
    !property.fullTextSearchable && 'nofulltext',
    !property.queryOrderable && 'noqueryorder',
    property.constraints.length > 0 && `< ${property.constraints.map(quoted).join(', ')}`,
  ]);
}

export function writeChild(child: ChildDefinition): string {
  return joined([
    `+ ${itemName(child.name)}`,
    `(${child.requiredTypes.map(word).join(', ')})`,
    child.defaultType !== undefined && `= ${word(child.defaultType)}`,
    ...itemAttributes(child),
  ]);
}

function itemAttributes(item: PropertyDefinition | ChildDefinition): (string | false)[] {
  return [
    item.autocreated && 'autocreated',
    item.mandatory && 'mandatory',
    item.protected && 'protected',
    item.onParentVersion !== 'COPY' && item.onParentVersion.toLowerCase(),
  ];
}

function joined(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join(' ');
}

function itemName(name: string): string {
  return name === '*' ? name : word(name);
}

/** Unquoted where no reader could take it for something else. */
function word(name: string): string {
  return /^\w[\w.:]*$/.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
