/** Whether definitions make sense by themselves and together, before they are registered. */
import { toProperty } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import type { Value } from '../value.js';
import { fulfilsConstraints, wrongConstraint } from './value-constraint.js';
import type { NodeTypeDefinition, PropertyDefinition } from './definition.js';
import type { NodeTypeRegistry } from './registry.js';

/**
 * @param types the registry as it will be
 * @throws INVALID_NODE_TYPE naming the type
 */
export function checkDefinition(types: NodeTypeRegistry, type: NodeTypeDefinition): void {
  checkSupertypes(types, type);
  for (const property of type.properties) {
    const wrong = wrongConstraint(property);
    if (wrong !== undefined) {
      throw invalid(type.name, `the constraint '${wrong}' says nothing for ${property.name} (${property.type})`);
    }
    if (property.defaults.length === 0) continue;
    const values = defaultValues(property, type.name);
    if (!values.every((value) => fulfilsConstraints(property, value))) {
      throw invalid(type.name, `a default of ${property.name} breaks its own constraints`);
    }
  }
  for (const child of type.children) {
    const wanted = [...child.requiredTypes, ...(child.defaultType === undefined ? [] : [child.defaultType])];
    const unknown = wanted.find((name) => !types.get(name));
    if (unknown !== undefined)
      throw invalid(type.name, `the child ${child.name} needs the type ${unknown}, which is not there`);
    if (child.autocreated && child.defaultType === undefined) {
      throw invalid(type.name, `the child ${child.name} is autocreated and needs a default type`);
    }
    const { defaultType } = child;
    const misfit =
      defaultType !== undefined && child.requiredTypes.find((required) => !types.isNodeType(defaultType, [], required));
    if (misfit) throw invalid(type.name, `the default type of the child ${child.name} is not a ${misfit}`);
  }
  const { problem } = types.effective(
    type.mixin || type.abstract ? 'nt:unstructured' : type.name,
    type.mixin ? [type.name] : [],
  );
  if (problem !== undefined) throw invalid(type.name, `a node ${problem}`);
  checkAutocreated(types, type.name, []);
}

function checkSupertypes(types: NodeTypeRegistry, type: NodeTypeDefinition): void {
  for (const name of type.supertypes) {
    const supertype = types.get(name);
    if (!supertype) throw invalid(type.name, `its supertype ${name} is not there`);
    if (type.mixin && !supertype.mixin)
      throw invalid(type.name, `it is a mixin and cannot inherit from ${name}, which is not`);
    if (types.closureOf(name).includes(type.name)) throw invalid(type.name, `it inherits from itself through ${name}`);
  }
}

/** A node must be finished at some depth. */
function checkAutocreated(types: NodeTypeRegistry, name: string, above: readonly string[]): void {
  if (above.includes(name))
    throw invalid(above[0] ?? name, `its autocreated children would go on without end (${name})`);
  for (const ancestor of types.closureOf(name)) {
    for (const { autocreated, defaultType } of types.get(ancestor)?.children ?? []) {
      if (autocreated && defaultType !== undefined) checkAutocreated(types, defaultType, [...above, name]);
    }
  }
}

function defaultValues({ name, type, multiple, defaults }: PropertyDefinition, holder: string): readonly Value[] {
  try {
    const input = { type: type === 'Undefined' ? ('String' as const) : type, multiple, values: [...defaults] };
    return toProperty(name, input).values;
  } catch (cause) {
    throw invalid(holder, `a default of ${name} is no ${type}`, cause);
  }
}

function invalid(type: string, problem: string, cause?: unknown): RepositoryError {
  return new RepositoryError('INVALID_NODE_TYPE', `The node type ${type} cannot be: ${problem}.`, { cause });
}
