import { propertiesEqual, valueText } from '../convert-value.js';
import { printable } from '../path.js';
import type { NodeRecord } from '../record.js';
import type { Property } from '../value.js';
import type { EffectiveNodeType } from './effective-node-type.js';
import { fulfilsConstraints } from './value-constraint.js';

/**
 * @param known the node as it was, when only what differs is to be looked at
 * @returns what forbids the properties of a node, naming property and definition, or `undefined`
 */
export function propertiesProblem(
  effective: EffectiveNodeType,
  record: NodeRecord,
  known: NodeRecord | undefined,
): string | undefined {
  if (!effective.takesAnyProperty) {
    for (const [name, property] of record.properties) {
      if (known && propertiesEqual(property, known.properties.get(name))) continue;
      const problem = propertyProblem(effective, name, property);
      if (problem !== undefined) return problem;
    }
  }
  const lost = effective.mandatoryProperties.find(
    ({ definition: { name } }) => !record.properties.has(name) && (!known || known.properties.has(name)),
  );
  return lost && `lacks the property ${lost.definition.name}, which ${lost.by} makes mandatory`;
}

/** @returns what of the types forbids a property, or `undefined` */
function propertyProblem(effective: EffectiveNodeType, name: string, property: Property): string | undefined {
  const declared = effective.propertyDefinition(name, property);
  if (!declared) {
    const [named] = effective.namedProperty(name);
    if (!named)
      return effective.open
        ? undefined
        : `has the property ${name}, which none of its types (${typesText(effective)}) defines`;
    const { multiple, type } = named.definition;
    if (multiple !== property.multiple) {
      return `has ${property.multiple ? 'several values' : 'one value'} for ${name}, for which ${named.by} wants ${multiple ? 'several' : 'one'}`;
    }
    return `has a ${property.type} in ${name}, for which ${named.by} wants ${type}`;
  }
  const { definition, by } = declared;
  const wrong = property.values.find((value) => !fulfilsConstraints(definition, value));
  if (wrong === undefined) return undefined;
  const shown = printable((valueText(wrong) ?? 'a binary').slice(0, 100));
  return `has the value "${shown}" in ${name}, for which ${by} wants ${definition.constraints.join(' or ')}`;
}

function typesText({ types }: EffectiveNodeType): string {
  return [...types].filter((name) => name !== 'nt:base').join(', ');
}
