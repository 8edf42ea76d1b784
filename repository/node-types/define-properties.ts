/** Properties as their definitions want them, at the moment they are set. */
import { convertProperty, toProperty } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import { joinPath } from '../path.js';
import type { Property } from '../value.js';
import type { PropertyDefinition } from './definition.js';
import type { EffectiveNodeType } from './effective-node-type.js';

/** Two that every type protects and that are set all the same: they say what the type is. */
const typeProperties: ReadonlySet<string> = new Set(['jcr:primaryType', 'jcr:mixinTypes']);

/**
 * Converts a property to the type that its definition asks for (JCR 2.0, section 3.6.4). What no conversion can mend, as one
 * value where several are wanted, is for the save to refuse.
 * @param path of the node @throws INVALID_VALUE naming property and wanted type
 */
export function toDefinedType(effective: EffectiveNodeType, path: string, name: string, property: Property): Property {
  const type = effective.takesAnyProperty ? undefined : effective.conversionOf(name, property);
  if (type === undefined || type === 'Undefined' || typeProperties.has(name)) return property;
  return convertProperty(joinPath(path, name), property, type);
}

/**
 * @param given `undefined` for a property that is taken away
 * @throws CONSTRAINT_VIOLATION for what only the repository sets
 */
export function assertNotProtected(
  effective: EffectiveNodeType,
  path: string,
  name: string,
  given: Property | undefined,
): void {
  if (typeProperties.has(name) || !effective.isProtected(name)) return;
  const [holder] = effective.namedProperty(name);
  throw new RepositoryError(
    'CONSTRAINT_VIOLATION',
    `The property ${name} of ${path} is protected by ${holder?.by ?? 'its type'}: only the repository may ${given ? 'set' : 'remove'} it.`,
    { paths: [path] },
  );
}

/**
 * What the repository adds to a node: the autocreated properties it does not have. `jcr:uuid` is not among them, it comes with
 * the identifier.
 * @param has whether the node has a property already
 */
export function autocreatedProperties(
  effective: EffectiveNodeType,
  has: (name: string) => boolean,
  { path, userId }: { readonly path: string; readonly userId: string },
): Map<string, Property> {
  const created = new Map<string, Property>();
  for (const definition of effective.autocreatedProperties) {
    const { name } = definition;
    if (has(name) || created.has(name) || name === 'jcr:uuid' || typeProperties.has(name)) continue;
    const value = initialValue(definition, joinPath(path, name), userId);
    if (value) created.set(name, value);
  }
  return created;
}

function initialValue(definition: PropertyDefinition, path: string, userId: string): Property | undefined {
  const { name, type, multiple, defaults } = definition;
  if (defaults.length > 0) {
    return toProperty(path, { type: type === 'Undefined' ? 'String' : type, multiple, values: [...defaults] });
  }
  if (name === 'jcr:created' || name === 'jcr:lastModified') return toProperty(path, new Date());
  if (name === 'jcr:createdBy' || name === 'jcr:lastModifiedBy') return toProperty(path, userId);
  return undefined;
}
