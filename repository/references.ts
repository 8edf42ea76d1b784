/** Referential integrity. */
import { propertiesEqual } from './convert-value.js';
import { RepositoryError } from './errors.js';
import { identifierKey } from './keys.js';
import { textsOf } from './record.js';
import type { SaveAttempt, SaveContribution } from './session-participant.js';
import type { PlannedNode } from './session-plan.js';
import type { Precondition } from './store/contract.js';

/**
 * A Reference must name a node the user can see (JCR 2.0, section 3.8.2); WeakReference and Path are free.
 * @throws CONSTRAINT_VIOLATION
 */
export async function validateReferences({ plan, snapshot, evaluator }: SaveAttempt): Promise<SaveContribution> {
  const planned = new Set([...plan.nodes.values()].map(({ record }) => record.identifier));
  const gone = new Set(plan.removed.flatMap(({ nodes }) => nodes.map(({ record }) => record.identifier)));
  const references = [...plan.nodes.values()].flatMap(newReferences).filter(({ target }) => !planned.has(target));
  const entries = await snapshot.getMany(references.map(({ target }) => identifierKey(target)));
  const preconditions = references.map(({ path, name, target }, index): Precondition => {
    const entry = entries[index];
    if (!entry || gone.has(target) || !evaluator.canRead(entry.value)) {
      throw new RepositoryError(
        'CONSTRAINT_VIOLATION',
        `The node ${path} refers in ${name} to ${target}, and there is no such node.`,
        { paths: [path] },
      );
    }
    return { kind: 'exists', key: identifierKey(target) };
  });
  return { preconditions };
}

function newReferences({ path, record, origin }: PlannedNode): { path: string; name: string; target: string }[] {
  return [...record.properties].flatMap(([name, property]) =>
    property.type !== 'Reference' || propertiesEqual(property, origin?.record.properties.get(name))
      ? []
      : textsOf(record, name).map((target) => ({ path, name, target })),
  );
}
