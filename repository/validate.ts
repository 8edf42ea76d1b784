/** The one place where a save is checked against node types and references. */
import type { AccessEvaluator } from './access/evaluate.js';
import { propertiesEqual } from './convert-value.js';
import { RepositoryError } from './errors.js';
import { identifierKey } from './keys.js';
import { isKnownNodeType, isNodeType, nodeType } from './node-types.js';
import { mixinsOf, primaryTypeOf, textOf, textsOf } from './record.js';
import type { PlannedNode, SavePlan } from './session-plan.js';
import type { Precondition, StoreSnapshot } from './store/contract.js';

/**
 * @returns preconditions that keep what was checked true until the commit
 * @throws CONSTRAINT_VIOLATION
 */
export async function validateNodes(
  plan: SavePlan,
  snapshot: StoreSnapshot,
  evaluator: AccessEvaluator,
): Promise<Precondition[]> {
  for (const node of plan.nodes.values()) {
    validateTypes(node);
    validateIdentifier(node);
  }
  return validateReferences(plan, snapshot, evaluator);
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

/** A Reference must name a node the user can see (JCR 2.0, section 3.8.2); WeakReference and Path are free. */
async function validateReferences(
  plan: SavePlan,
  snapshot: StoreSnapshot,
  evaluator: AccessEvaluator,
): Promise<Precondition[]> {
  const planned = new Set([...plan.nodes.values()].map(({ record }) => record.identifier));
  const gone = new Set(plan.removed.flatMap(({ nodes }) => nodes.map(({ record }) => record.identifier)));
  const references = [...plan.nodes.values()].flatMap(newReferences).filter(({ target }) => !planned.has(target));
  const entries = await snapshot.getMany(references.map(({ target }) => identifierKey(target)));
  return references.map(({ path, name, target }, index) => {
    const entry = entries[index];
    if (!entry || gone.has(target) || !evaluator.canRead(entry.value)) {
      throw violation(path, `refers in ${name} to ${target}, and there is no such node`);
    }
    return { kind: 'exists', key: identifierKey(target) };
  });
}

function newReferences({ path, record, origin }: PlannedNode): { path: string; name: string; target: string }[] {
  return [...record.properties].flatMap(([name, property]) =>
    property.type !== 'Reference' || propertiesEqual(property, origin?.record.properties.get(name))
      ? []
      : textsOf(record, name).map((target) => ({ path, name, target })),
  );
}

function violation(path: string, problem: string): RepositoryError {
  return new RepositoryError('CONSTRAINT_VIOLATION', `The node ${path} ${problem}.`, { paths: [path] });
}
