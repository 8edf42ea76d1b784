/** The one place where a save is checked against node types. */
import { RepositoryError } from './errors.js';
import { isKnownNodeType, isNodeType, nodeType } from './node-types.js';
import { mixinsOf, primaryTypeOf, textOf } from './record.js';
import type { PlannedNode, SavePlan } from './session-plan.js';

/** @throws CONSTRAINT_VIOLATION */
export function validateNodes(plan: SavePlan): void {
  for (const node of plan.nodes.values()) {
    validateTypes(node);
    validateIdentifier(node);
  }
}

function validateTypes({ path, record }: PlannedNode): void {
  const primary = nodeType(primaryTypeOf(record));
  if (primary.mixin || primary.abstract) {
    throw violation(
      path,
      `cannot have the ${primary.mixin ? 'mixin' : 'abstract'} type ${primary.name} as primary type`,
    );
  }
  // Only a type that is known can be known not to be a mixin.
  const wrong = mixinsOf(record).find((name) => isKnownNodeType(name) && !nodeType(name).mixin);
  if (wrong !== undefined) throw violation(path, `cannot have the primary type ${wrong} as a mixin`);
}

function validateIdentifier({ path, record }: PlannedNode): void {
  if (!isNodeType(primaryTypeOf(record), mixinsOf(record), 'mix:referenceable')) return;
  if (textOf(record, 'jcr:uuid') !== record.identifier) {
    throw violation(path, 'is referenceable: its jcr:uuid is given when it is added and cannot be changed');
  }
}

function violation(path: string, problem: string): RepositoryError {
  return new RepositoryError('CONSTRAINT_VIOLATION', `The node ${path} ${problem}.`, { paths: [path] });
}
