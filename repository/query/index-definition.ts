/**
 * Indexes are defined by content, as Oak has it: each child of `/oak:index` with
 *
 *     type                `property` or `fulltext`; any other is listed but not kept (`disabled`, Oak's `lucene`)
 *     propertyNames       Name[], for `property`: which properties, each for itself
 *     declaringNodeTypes  Name[]: only nodes of these types; default all
 *     includedPaths       String[]: only nodes at or below; default all
 */
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { isDescendantOrSelf, nameOf, parentOf } from '../path.js';
import { textOf, textsOf } from '../record.js';
import type { NodeRecord } from '../record.js';

export const indexRoot = '/oak:index';

export interface IndexDefinition {
  /** Of the node that defines it. */
  readonly path: string;
  readonly type: 'property' | 'fulltext';
  readonly propertyNames: readonly string[];
  /** Empty: all. */
  readonly declaringNodeTypes: readonly string[];
  /** Empty: all. */
  readonly includedPaths: readonly string[];
}

export function isDefinitionPath(path: string): boolean {
  return parentOf(path) === indexRoot && nameOf(path) !== 'rep:policy';
}

/** @returns why it cannot be kept, where it cannot */
export function parseDefinition(path: string, record: NodeRecord): IndexDefinition | { readonly problem: string } {
  const type = textOf(record, 'type');
  if (type !== 'property' && type !== 'fulltext') {
    return { problem: type === undefined ? 'has no type' : `is of the type "${type}", which is not kept` };
  }
  const propertyNames = textsOf(record, 'propertyNames');
  if (type === 'property' && propertyNames.length === 0) return { problem: 'names no properties' };
  return {
    path,
    type,
    propertyNames: [...new Set(propertyNames)].sort(),
    declaringNodeTypes: [...new Set(textsOf(record, 'declaringNodeTypes'))].sort(),
    includedPaths: [...new Set(textsOf(record, 'includedPaths'))].filter((included) => included !== '/').sort(),
  };
}

export function coversType(
  { declaringNodeTypes }: IndexDefinition,
  primaryType: string,
  mixins: readonly string[],
  types: NodeTypeRegistry,
): boolean {
  return (
    declaringNodeTypes.length === 0 ||
    declaringNodeTypes.some((wanted) => types.isNodeType(primaryType, mixins, wanted))
  );
}

export function coversPath({ includedPaths }: IndexDefinition, path: string): boolean {
  return includedPaths.length === 0 || includedPaths.some((included) => isDescendantOrSelf(path, included));
}
