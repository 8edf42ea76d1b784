/** What a save does to who lies below whom, against the child definitions of the parents. */
import { childrenRange, identifierKey, pathOfNodeKey } from '../keys.js';
import { joinPath, nameOf, parentOf, selfAndAncestors } from '../path.js';
import { decodeRecord, mixinsOf, primaryTypeOf, textsOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import { isMoveRoot } from '../session-plan.js';
import type { PlannedNode } from '../session-plan.js';
import type { Validation } from '../validate.js';
import type { EffectiveNodeType } from './effective-node-type.js';
import type { NodeTypeRegistry } from './registry.js';
import { isReferenceType } from './value-constraint.js';
import { violation } from './violation.js';

interface ChildValidation extends Validation {
  /** Paths of the subtrees that go. */
  readonly removed: ReadonlySet<string>;
}

/**
 * @param retyped nodes that are new or have other types than before
 * @throws CONSTRAINT_VIOLATION
 */
export async function validateChildren(changes: Validation, retyped: ReadonlySet<PlannedNode>): Promise<void> {
  const { plan, types } = changes;
  const validation = { ...changes, removed: new Set(plan.removed.map(({ path }) => path)) };
  const placed = [...plan.nodes.values()].filter((node) => retyped.has(node) || isMoveRoot(plan, node));
  const parents = await recordsOf(validation, [
    ...placed.map(({ path }) => parentOf(path)),
    ...plan.removed.map(({ path }) => parentOf(path)),
  ]);
  for (const { path, record } of placed) {
    const parent = parents.get(parentOf(path));
    const problem = parent && childProblem(types, effectiveOf(types, parent), nameOf(path), primaryTypeOf(record));
    if (problem !== undefined) throw violation(path, problem);
  }
  for (const { path } of plan.removed) {
    const parent = parents.get(parentOf(path));
    if (!parent || plan.nodes.has(path)) continue;
    const lost = effectiveOf(types, parent).mandatoryChildren.find(
      ({ definition }) => definition.name === nameOf(path),
    );
    if (lost) throw lacks(parentOf(path), lost.definition.name, lost.by);
  }
  for (const node of plan.nodes.values()) {
    if (node.inPlace && !retyped.has(node)) continue;
    const missing = effectiveOf(types, node.record).mandatoryChildren.filter(
      ({ definition }) => !plan.nodes.has(joinPath(node.path, definition.name)),
    );
    if (missing.length > 0) await requireStored(validation, node, missing);
  }
  for (const node of retyped) if (node.inPlace) await validateStoredChildren(validation, node);
  await validateReferenceTargets(validation);
}

/** @returns what forbids a child of that name and type, or `undefined` */
export function childProblem(
  types: NodeTypeRegistry,
  parent: EffectiveNodeType,
  name: string,
  primaryType: string,
): string | undefined {
  const declared = parent.childDefinitions(name);
  if (declared.length === 0) {
    if (parent.open) return undefined;
    return `cannot be there: none of the types of its parent (${[...parent.types].join(', ')}) defines a child ${name}`;
  }
  // A type that is not known cannot be known to be another.
  if (parent.open || !types.get(primaryType)) return undefined;
  const fits = declared.some(({ definition }) =>
    definition.requiredTypes.every((required) => types.isNodeType(primaryType, [], required)),
  );
  if (fits) return undefined;
  const wanted = declared.map(({ by, definition }) => `${definition.requiredTypes.join(' and ')} (${by})`).join(' or ');
  return `is of type ${primaryType}, where its parent wants ${wanted}`;
}

/** Mandatory children that the save itself does not bring. */
async function requireStored(
  validation: ChildValidation,
  node: PlannedNode,
  missing: EffectiveNodeType['mandatoryChildren'],
): Promise<void> {
  const paths = missing.map(({ definition }) => joinPath(node.path, definition.name));
  const there = node.inPlace ? await recordsOf(validation, paths) : new Map<string, NodeRecord>();
  const lost = missing.find((_, index) => !there.has(paths[index] ?? ''));
  if (lost) throw lacks(node.path, lost.definition.name, lost.by);
}

/** Children that stay as they are, below a node whose types say something else of children than before. */
async function validateStoredChildren(validation: ChildValidation, node: PlannedNode): Promise<void> {
  const { plan, snapshot, types } = validation;
  const effective = effectiveOf(types, node.record);
  if (node.origin && effectiveOf(types, node.origin.record).hasSameChildren(effective)) return;
  for await (const batch of snapshot.range(childrenRange(node.path))) {
    for (const { key, value } of batch) {
      const path = pathOfNodeKey(key);
      const planned = plan.nodes.get(path);
      if (!planned && isGone(validation, path)) continue;
      // A child that the save changes too, but not its types, is not looked at elsewhere.
      const record = planned?.record ?? decodeRecord(path, value);
      const problem = childProblem(types, effective, nameOf(path), primaryTypeOf(record));
      if (problem !== undefined) throw violation(path, problem);
    }
  }
}

/** References may be bound to types of their targets; the type of a target that the save itself adds counts as well. */
async function validateReferenceTargets(validation: Validation): Promise<void> {
  const { plan, snapshot, types, readNodes } = validation;
  for (const { path, record, changed } of plan.nodes.values()) {
    for (const name of changed) {
      const property = record.properties.get(name);
      if (!property || !isReferenceType(property.type)) continue;
      const declared = effectiveOf(types, record).propertyDefinition(name, property);
      const wanted = declared?.definition.constraints ?? [];
      if (!declared || wanted.length === 0 || declared.definition.protected) continue;
      for (const target of textsOf(record, name)) {
        const planned = [...plan.nodes.values()].find((node) => node.record.identifier === target)?.record;
        const [entry] = planned ? [] : await snapshot.getMany([identifierKey(target)]);
        const found = planned ?? (entry && (await readNodes([entry.value])).get(entry.value)?.record);
        // Whether there must be a target at all is a question of referential integrity.
        if (!found || wanted.some((type) => types.isNodeType(primaryTypeOf(found), mixinsOf(found), type))) continue;
        throw violation(
          path,
          `refers in ${name} to a node that is not ${wanted.join(' or ')}, as ${declared.by} wants`,
        );
      }
    }
  }
}

/** Nodes as they will be; those that go or do not exist are left out. */
async function recordsOf(validation: ChildValidation, paths: readonly string[]): Promise<Map<string, NodeRecord>> {
  const records = new Map<string, NodeRecord>();
  const stored = new Set<string>();
  for (const path of paths) {
    const planned = validation.plan.nodes.get(path);
    if (planned) records.set(path, planned.record);
    else if (path !== '' && !isGone(validation, path)) stored.add(path);
  }
  if (stored.size === 0) return records;
  for (const [path, { record }] of await validation.readNodes([...stored])) records.set(path, record);
  return records;
}

function isGone({ removed }: ChildValidation, path: string): boolean {
  if (removed.size === 0) return false;
  for (const ancestor of selfAndAncestors(path)) if (removed.has(ancestor)) return true;
  return false;
}

function effectiveOf(types: NodeTypeRegistry, record: NodeRecord): EffectiveNodeType {
  return types.effective(primaryTypeOf(record), mixinsOf(record));
}

function lacks(path: string, child: string, by: string) {
  return violation(path, `lacks the child ${child}, which ${by} makes mandatory`);
}
