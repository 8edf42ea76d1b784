/**
 * `.content.json`: an object is a node, in key order; a scalar or a list of scalars is a property. A text that starts
 * with a type, `{Date}2022-08-12T17:03:04.195Z` or `{Name[]}a,b`, is in document view notation.
 */
import { RepositoryError } from '../errors.js';
import { nameProblem, printable } from '../path.js';
import type { Property, PropertyType, Value } from '../value.js';
import { parseDocViewValue, propertyTypes } from '../vault/docview-value.js';
import type { NodeDeclaration } from '../vault/node-declaration.js';
import { parseJson, type JsonDocument, type JsonMember } from './json-document.js';

const typedText = new RegExp(`^\\{(${propertyTypes.join('|')})(\\[\\])?\\}`);

/** @throws INVALID_CONTENT_FILE with file and line */
export function parseContentJson(text: string, file: string): NodeDeclaration {
  const fail = (line: number, problem: string) =>
    new RepositoryError('INVALID_CONTENT_FILE', `${file}:${line}: ${problem}`, { file, line });
  const document = parseJson(text, fail);
  if (document.kind !== 'object') throw fail(document.line, 'the document is not an object');

  function readNode(name: string, object: JsonDocument & { kind: 'object' }): NodeDeclaration {
    const properties = new Map<string, Property>();
    const children: NodeDeclaration[] = [];
    for (const member of object.members) {
      const problem = nameProblem(member.name);
      if (problem) throw fail(member.line, `the name "${printable(member.name)}" ${problem}`);
      if (member.value.kind === 'object') children.push(readNode(member.name, member.value));
      else properties.set(member.name, readProperty(member));
    }
    return { name, line: object.line, orderOnly: false, properties, binaries: [], children };
  }

  function readProperty({ name, line, value }: JsonMember): Property {
    if (value.kind === 'array') {
      const scalars = value.items.map((item) => {
        if (item.kind !== 'scalar') throw fail(item.line, `"${name}" is a list of something other than scalars`);
        return toScalar(name, line, item.value);
      });
      const types = new Set(scalars.map(({ type }) => type));
      if (types.size > 1) throw fail(line, `"${name}" mixes ${[...types].join(' and ')}`);
      const [type = defaultType(name)] = types;
      return { type, multiple: true, values: scalars.map((scalar) => scalar.value) };
    }
    if (value.kind === 'object') throw fail(line, `"${name}" is a node`);
    const typed = typeof value.value === 'string' ? typedText.exec(value.value) : null;
    if (typed && typeof value.value === 'string') {
      const [prefix, typeName, list] = typed;
      const rest = value.value.slice(prefix.length);
      try {
        return parseDocViewValue(name, `{${typeName ?? ''}}${list ? `[${rest}]` : rest}`);
      } catch (error) {
        throw fail(line, error instanceof Error ? error.message : String(error));
      }
    }
    const scalar = toScalar(name, line, value.value);
    return { type: scalar.type, multiple: name === 'jcr:mixinTypes', values: [scalar.value] };
  }

  function toScalar(name: string, line: number, value: JsonScalar): { type: PropertyType; value: Value } {
    if (value === null) throw fail(line, `"${name}" is null: leave the property out instead`);
    if (typeof value === 'string') return { type: defaultType(name), value };
    if (typeof value === 'boolean') return { type: 'Boolean', value };
    return typeof value === 'bigint' || Number.isInteger(value) ? { type: 'Long', value } : { type: 'Double', value };
  }

  return readNode('', document);
}

type JsonScalar = (JsonDocument & { kind: 'scalar' })['value'];

function defaultType(name: string): PropertyType {
  return name === 'jcr:primaryType' || name === 'jcr:mixinTypes' ? 'Name' : 'String';
}
