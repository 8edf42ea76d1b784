/** Changing the node types of a repository, so that every node there is stays valid. */
import { groupsOfMember } from '../access/membership.js';
import type { AccessStateCache } from '../access/access-state.js';
import { adminUser, groups } from '../api.js';
import { RepositoryError } from '../errors.js';
import { groupEpochKey, nodeKey, nodeTypeEpochKey, nodeTypeKey, pathOfNodeKey } from '../keys.js';
import { encodeCommitEntry } from '../observation.js';
import { joinPath, nameOf, parentOf } from '../path.js';
import { decodeRecord, mixinsOf, primaryTypeOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import { rebuildTypedIndexes } from '../query/indexer.js';
import type { QueryContext } from '../query/run-query.js';
import { readStoredNodes } from '../session-view.js';
import { StoreConflict } from '../store/contract.js';
import type { NodeStore, StoreSnapshot, Write } from '../store/contract.js';
import { checkDefinition } from './check-definitions.js';
import type { NodeTypeDefinition } from './definition.js';
import { parseCnd } from './parse-cnd.js';
import type { NodeTypeCache } from './registry-cache.js';
import { NodeTypeRegistry } from './registry.js';
import { childProblem } from './validate-children.js';
import { propertiesProblem } from './validate-properties.js';
import { namespacesOf, writeCnd } from './write-cnd.js';

/** Each attempt looks at all nodes, so few; who keeps saving all the while wins. */
const maxAttempts = 5;
/** Nodes of the store; a change of types and any of these exclude each other. */
const allNodes = { gte: 'n', lt: 'o' };

export interface RegistrationContext {
  readonly store: NodeStore;
  readonly accessStates: AccessStateCache;
  readonly nodeTypes: NodeTypeCache;
  readonly queries: Pick<QueryContext, 'indexStates'>;
}

interface TypeChange {
  readonly before: NodeTypeRegistry;
  readonly after: NodeTypeRegistry;
  /** Types that are added, changed or removed. */
  readonly changed: ReadonlySet<string>;
  readonly writes: readonly Write[];
  /** On which line of the text a type begins. */
  readonly lines?: ReadonlyMap<string, number> | undefined;
}

export interface RegistrationOptions {
  /** Checks everything and changes nothing. */
  readonly dryRun?: boolean;
}

/**
 * Adds types and changes those there are. What is there already in the same words, built-in types among it, is passed over.
 * Looks at every node of the repository when something changes.
 * @returns the names of the types that were added or changed
 * @throws ACCESS_DENIED for who is no administrator; INVALID_NODE_TYPE; CONSTRAINT_VIOLATION naming a node that would no longer be
 * valid, or a built-in type, both with the line on which the type begins; CONFLICT when saves kept coming in between
 */
export async function registerNodeTypes(
  context: RegistrationContext,
  userId: string,
  cnd: string,
  { dryRun = false }: RegistrationOptions = {},
): Promise<string[]> {
  const document = parseCnd(cnd);
  const { lines } = document;
  return change(context, userId, dryRun, (before) => {
    for (const [prefix, uri] of document.namespaces) {
      const known = before.namespaces.get(prefix);
      if (known !== undefined && known !== uri) {
        throw new RepositoryError(
          'INVALID_NODE_TYPE',
          `The prefix ${prefix} stands for ${known} here, not for ${uri}.`,
        );
      }
    }
    const changed = document.types.filter((type) => textOf(type) !== textOf(before.get(type.name)));
    const builtIn = changed.find(({ name }) => before.isBuiltIn(name));
    if (builtIn) throw refused(builtIn.name, 'is built in and cannot be changed', { line: lines?.get(builtIn.name) });
    const namespaces = new Map([...before.namespaces, ...document.namespaces]);
    const types = new Map([...registeredTypes(before), ...changed].map((type) => [type.name, type]));
    const after = new NodeTypeRegistry({ namespaces, types: [...types.values()] });
    const writes = changed.map((type) => ({
      key: nodeTypeKey(type.name),
      value: writeCnd({ namespaces: namespacesOf([type], namespaces), types: [type] }),
    }));
    return { before, after, changed: new Set(changed.map(({ name }) => name)), writes, lines };
  });
}

/**
 * @throws ACCESS_DENIED; CONSTRAINT_VIOLATION for a type that is not registered, is built in, or is used by a node or another type
 */
export async function unregisterNodeTypes(
  context: RegistrationContext,
  userId: string,
  names: readonly string[],
): Promise<void> {
  await change(context, userId, false, (before) => {
    for (const name of names) {
      if (!before.get(name)) throw refused(name, 'is not registered');
      if (before.isBuiltIn(name)) throw refused(name, 'is built in and cannot be removed');
    }
    const types = registeredTypes(before).filter(({ name }) => !names.includes(name));
    const after = new NodeTypeRegistry({ namespaces: before.namespaces, types });
    for (const type of types) {
      const used = names.find((name) => isMentioned(type, name));
      if (used !== undefined) throw refused(used, `is used by the type ${type.name}`);
    }
    const writes = names.map((name) => ({ key: nodeTypeKey(name), remove: true as const }));
    return { before, after, changed: new Set(names), writes };
  });
}

async function change(
  { store, accessStates, nodeTypes, queries: { indexStates } }: RegistrationContext,
  userId: string,
  dryRun: boolean,
  plan: (before: NodeTypeRegistry) => TypeChange,
): Promise<string[]> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const snapshot = await store.snapshot();
    try {
      const { members, groupEpoch } = await accessStates.stateOf(snapshot);
      if (userId !== adminUser && !groupsOfMember(members, userId).has(groups.administrators)) {
        throw new RepositoryError('ACCESS_DENIED', `Only administrators may change node types; ${userId} is none.`);
      }
      const { epoch, registry } = await nodeTypes.stateOf(snapshot);
      const planned = plan(registry);
      if (planned.changed.size === 0) return [];
      // Also those that did not change, because they may inherit from those that did.
      for (const type of registeredTypes(planned.after)) {
        located(planned.lines?.get(type.name), () => checkDefinition(planned.after, type));
      }
      await checkNodes(snapshot, planned);
      if (dryRun) return [...planned.changed];
      const rebuilt = await rebuildTypedIndexes(indexStates, snapshot);
      await store.commit({
        preconditions: [
          ...rebuilt.preconditions,
          { kind: 'version', key: nodeTypeEpochKey, version: epoch },
          { kind: 'version', key: groupEpochKey, version: groupEpoch },
          { kind: 'unchanged', range: allNodes, since: snapshot.sequence },
        ],
        writes: [...planned.writes, ...rebuilt.writes, { key: nodeTypeEpochKey, value: '' }],
        entry: encodeCommitEntry(userId, new Date(), []),
      });
      return [...planned.changed];
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    } finally {
      await snapshot.close();
    }
  }
  throw new RepositoryError('CONFLICT', 'Other saves kept coming in while the node types were changed; try again.');
}

/** Every node whose types say something else than before must be as they say now; a removed type must have no node. */
async function checkNodes(snapshot: StoreSnapshot, planned: TypeChange): Promise<void> {
  let parentPath = '';
  let parent: NodeRecord | undefined;
  for await (const batch of snapshot.range(allNodes)) {
    for (const { key, value } of batch) {
      const path = pathOfNodeKey(key);
      const record = decodeRecord(path, value);
      if (parentOf(path) !== parentPath) {
        parentPath = parentOf(path);
        parent =
          parentPath === '' ? undefined : (await readStoredNodes(snapshot, [parentPath])).get(parentPath)?.record;
      }
      await checkNode(snapshot, planned, path, record, parent);
    }
  }
}

async function checkNode(
  snapshot: StoreSnapshot,
  planned: TypeChange,
  path: string,
  record: NodeRecord,
  parent: NodeRecord | undefined,
): Promise<void> {
  const { after, before, lines } = planned;
  const type = changedTypeOf(planned, record);
  const typeOfParent = parent && changedTypeOf(planned, parent);
  if (type !== undefined) {
    if (before.get(type) && !after.get(type)) throw refused(type, `is used by ${path}`, { path });
    const problem = await problemOf(snapshot, after, path, record);
    if (problem !== undefined) {
      throw refused(type, `cannot become so: the node ${path} ${problem}`, { path, line: lines?.get(type) });
    }
  }
  const changed = type ?? typeOfParent;
  if (!parent || changed === undefined) return;
  const parentType = after.effective(primaryTypeOf(parent), mixinsOf(parent));
  const problem = childProblem(after, parentType, nameOf(path), primaryTypeOf(record));
  if (problem === undefined) return;
  throw refused(changed, `cannot become so: the node ${path} ${problem}`, { path, line: lines?.get(changed) });
}

async function problemOf(
  snapshot: StoreSnapshot,
  types: NodeTypeRegistry,
  path: string,
  record: NodeRecord,
): Promise<string | undefined> {
  const effective = types.effective(primaryTypeOf(record), mixinsOf(record));
  const problem = effective.problem ?? propertiesProblem(effective, record, undefined);
  if (problem !== undefined) return problem;
  const there = await snapshot.getMany(
    effective.mandatoryChildren.map(({ definition }) => nodeKey(joinPath(path, definition.name))),
  );
  const lost = effective.mandatoryChildren.find((_, index) => !there[index]);
  return lost && `lacks the child ${lost.definition.name}, which ${lost.by} makes mandatory`;
}

/** The first of the node's types, supertypes among them, that changes. */
function changedTypeOf({ before, after, changed }: TypeChange, record: NodeRecord): string | undefined {
  for (const name of [primaryTypeOf(record), ...mixinsOf(record)]) {
    const found =
      before.closureOf(name).find((type) => changed.has(type)) ??
      after.closureOf(name).find((type) => changed.has(type));
    if (found !== undefined) return found;
  }
  return undefined;
}

function registeredTypes(types: NodeTypeRegistry): NodeTypeDefinition[] {
  return types.names().flatMap((name) => (types.isBuiltIn(name) ? [] : (types.get(name) ?? [])));
}

function isMentioned({ supertypes, children }: NodeTypeDefinition, name: string): boolean {
  return (
    supertypes.includes(name) ||
    children.some(({ requiredTypes, defaultType }) => requiredTypes.includes(name) || defaultType === name)
  );
}

function textOf(type: NodeTypeDefinition | undefined): string | undefined {
  return type && writeCnd({ namespaces: new Map(), types: [type] });
}

/** Adds the line to what goes wrong. */
function located(line: number | undefined, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof RepositoryError) || line === undefined || error.line !== undefined) throw error;
    throw new RepositoryError(error.code, error.message, { paths: error.paths, line, cause: error });
  }
}

function refused(
  type: string,
  problem: string,
  { path, line }: { readonly path?: string; readonly line?: number | undefined } = {},
): RepositoryError {
  return new RepositoryError('CONSTRAINT_VIOLATION', `The node type ${type} ${problem}.`, {
    ...(path !== undefined && { paths: [path] }),
    ...(line !== undefined && { line }),
  });
}
