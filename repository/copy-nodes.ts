/** Copies of nodes, as `Session.copy` makes them. */
import { randomUUID } from 'node:crypto';
import { autocreatedProperties } from './node-types/define-properties.js';
import type { EffectiveNodeType } from './node-types/effective-node-type.js';
import { assertPath } from './path.js';
import { textsOf } from './record.js';
import type { NodeRecord } from './record.js';
import type { Property } from './value.js';

interface PlacedRecord {
  readonly path: string;
  readonly record: NodeRecord;
}

export interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly userId: string;
  readonly effectiveOf: (record: NodeRecord) => EffectiveNodeType;
}

/** Where the types protect them these belong to the one node: who made it, its lock and its versions. */
const ownProperties: ReadonlySet<string> = new Set([
  'jcr:created',
  'jcr:createdBy',
  'jcr:lockOwner',
  'jcr:lockIsDeep',
  'jcr:isCheckedOut',
  'jcr:versionHistory',
  'jcr:baseVersion',
  'jcr:predecessors',
  'jcr:mergeFailed',
  'jcr:activity',
  'jcr:configuration',
]);

/**
 * Copies have identifiers of their own, and references among the nodes lead from copy to copy (JCR 2.0, section 10.7).
 * @param nodes a subtree, its root first
 */
export function copyNodes(nodes: readonly PlacedRecord[], options: CopyOptions): PlacedRecord[] {
  const { from, to, userId, effectiveOf } = options;
  const identifiers = new Map(nodes.map(({ record }) => [record.identifier, randomUUID()]));
  return nodes.map(({ path: source, record }) => {
    const path = assertPath(to + source.slice(from.length));
    const effective = effectiveOf(record);
    const properties = new Map<string, Property>();
    for (const [name, property] of record.properties) {
      if (ownProperties.has(name) && effective.isProtected(name)) continue;
      properties.set(name, redirected(record, name, property, identifiers));
    }
    const created = autocreatedProperties(effective, (name) => properties.has(name), { path, userId });
    for (const [name, property] of created) properties.set(name, property);
    const identifier = identifiers.get(record.identifier) ?? randomUUID();
    if (effective.types.has('mix:referenceable')) {
      properties.set('jcr:uuid', { type: 'String', multiple: false, values: [identifier] });
    }
    return { path, record: { ...record, identifier, properties } };
  });
}

function redirected(
  record: NodeRecord,
  name: string,
  property: Property,
  identifiers: ReadonlyMap<string, string>,
): Property {
  if (property.type !== 'Reference' && property.type !== 'WeakReference') return property;
  return { ...property, values: textsOf(record, name).map((target) => identifiers.get(target) ?? target) };
}
