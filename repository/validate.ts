/** The one place where a save is checked against node types. */
import { validateChildren } from './node-types/validate-children.js';
import { propertiesProblem } from './node-types/validate-properties.js';
import { violation } from './node-types/violation.js';
import type { NodeTypeRegistry } from './node-types/registry.js';
import { propertiesEqual } from './convert-value.js';
import { RepositoryError } from './errors.js';
import { mixinsOf, primaryTypeOf, textOf } from './record.js';
import type { NodeRecord } from './record.js';
import type { PlannedNode, SavePlan } from './session-plan.js';
import type { StoredNode } from './session-transient.js';
import type { StoreSnapshot } from './store/contract.js';

export interface Validation {
  readonly plan: SavePlan;
  /** What the plan was last brought up to date with. */
  readonly snapshot: StoreSnapshot;
  /** Nodes as the snapshot has them, by path; those that are not there are left out. */
  readonly readNodes: (paths: readonly string[]) => Promise<ReadonlyMap<string, StoredNode>>;
  readonly types: NodeTypeRegistry;
}

/**
 * What a save adds and changes must fit its types; what was there before stays, until its node gets other types.
 * @throws CONSTRAINT_VIOLATION naming path and definition; INVALID_VALUE for more text than fits into a node
 */
export async function validateNodes(validation: Validation): Promise<void> {
  const { plan, types } = validation;
  const retyped = new Set<PlannedNode>();
  for (const node of plan.nodes.values()) {
    const { path, record, origin } = node;
    const effective = types.effective(primaryTypeOf(record), mixinsOf(record));
    const known = origin && hasSameTypes(origin.record, record) ? origin.record : undefined;
    if (!known) retyped.add(node);
    const problem = (known ? undefined : effective.problem) ?? propertiesProblem(effective, record, known);
    if (problem !== undefined) throw violation(path, problem);
    if (effective.types.has('mix:referenceable')) validateIdentifier(node);
    validateSize(node);
  }
  await validateChildren(validation, retyped);
}

function hasSameTypes(a: NodeRecord, b: NodeRecord): boolean {
  return ['jcr:primaryType', 'jcr:mixinTypes'].every((name) =>
    propertiesEqual(a.properties.get(name), b.properties.get(name)),
  );
}

function validateIdentifier({ path, record }: PlannedNode): void {
  if (textOf(record, 'jcr:uuid') !== record.identifier) {
    throw violation(path, 'is referenceable: its jcr:uuid is given when it is added and cannot be changed');
  }
}

/**
 * Characters (UTF-16 units) of all texts of one node. JSON may need six for one, and V8 cannot make a text of 2^29: with this
 * bound every record can be written.
 */
const maxNodeText = 80 * 1024 * 1024;
/** What a value takes beside its text. */
const valueOverhead = 8;

function validateSize({ path, record }: PlannedNode): void {
  let size = 0;
  for (const [name, { values }] of record.properties) {
    size += name.length + valueOverhead;
    for (const value of values) size += valueOverhead + (typeof value === 'string' ? value.length : 0);
  }
  if (size <= maxNodeText) return;
  throw new RepositoryError(
    'INVALID_VALUE',
    `The properties of ${path} hold ${size} characters, and at most ${maxNodeText} fit into one node; keep long text as a Binary.`,
    { paths: [path] },
  );
}
