/**
 * The indexes a repository has by itself: few, as every save keeps all of them. They are content below `/oak:index`, which
 * administrators may change or remove. A newer version brings what it adds and changes, and leaves alone what was changed here.
 */
import { grant } from '../access/policy.js';
import { groups } from '../api.js';
import type { Repository, RepositoryNode, Session } from '../api.js';
import { adminUser } from '../api.js';
import { RepositoryError } from '../errors.js';
import type { Property } from '../value.js';
import { indexRoot } from './index-definition.js';

export interface ShippedDefinition {
  readonly type: 'property' | 'fulltext';
  readonly propertyNames?: readonly string[];
  readonly declaringNodeTypes?: readonly string[];
  readonly includedPaths?: readonly string[];
}

export interface ShippedIndex {
  /** The version that brought it first. */
  readonly since: number;
  readonly definition: ShippedDefinition;
  /** What it was in earlier versions: an index that is still so was not changed by anybody. */
  readonly earlier?: readonly ShippedDefinition[];
}

export interface ShippedIndexes {
  /** Counts up when something is added or changed below. */
  readonly version: number;
  readonly indexes: Readonly<Record<string, ShippedIndex>>;
}

const shippedIndexes: ShippedIndexes = {
  version: 3,
  indexes: {
    nodetype: {
      since: 1,
      definition: {
        type: 'property',
        propertyNames: ['jcr:primaryType', 'jcr:mixinTypes'],
        declaringNodeTypes: ['dam:Asset', 'cq:Page', 'cq:Tag', 'rep:Authorizable'],
      },
    },
    assetText: { since: 1, definition: { type: 'fulltext', declaringNodeTypes: ['dam:Asset'] } },
    created: { since: 1, definition: { type: 'property', propertyNames: ['jcr:created'] } },
    lastModified: { since: 1, definition: { type: 'property', propertyNames: ['jcr:lastModified'] } },
    slingResourceType: { since: 1, definition: { type: 'property', propertyNames: ['sling:resourceType'] } },
    format: { since: 1, definition: { type: 'property', propertyNames: ['dc:format'] } },
    configurationReference: {
      since: 2,
      definition: { type: 'property', propertyNames: ['sling:configRef', 'cq:conf'] },
    },
    mails: {
      since: 3,
      definition: {
        type: 'property',
        propertyNames: ['created', 'key', 'recipient'],
        declaringNodeTypes: ['satchel:Mail'],
        includedPaths: ['/var'],
      },
    },
    workflowLists: {
      since: 3,
      definition: { type: 'property', propertyNames: ['listed'], includedPaths: ['/var/workflow'] },
    },
    tags: { since: 1, definition: { type: 'property', propertyNames: ['cq:tags'] } },
  },
};

/** On `/oak:index`: the version whose indexes were brought last. */
const versionName = 'satchel:indexVersion';
const listNames = ['propertyNames', 'declaringNodeTypes', 'includedPaths'] as const;

export interface IndexUpdate {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Those that are not as this version ships them, because an administrator changed or removed them. */
  readonly kept: readonly { readonly name: string; readonly reason: 'changed here' | 'removed here' }[];
}

/**
 * Brings the indexes up to this version, once for each version, in one save; they are built in the background. Two processes may do
 * so at the same time: one of them does it.
 */
export async function updateIndexes(
  repository: Pick<Repository, 'withSession'>,
  shipped = shippedIndexes,
): Promise<IndexUpdate> {
  try {
    return await repository.withSession(adminUser, async (session) => {
      const update = await bringIndexes(session, shipped);
      await session.save();
      return update;
    });
  } catch (error) {
    if (error instanceof RepositoryError && (error.code === 'CONFLICT' || error.code === 'ITEM_EXISTS')) return nothing;
    throw error;
  }
}

const nothing: IndexUpdate = { added: [], changed: [], kept: [] };

/** As `updateIndexes`. The session must be that of the administrator. Not saved. */
export async function bringIndexes(session: Session, shipped = shippedIndexes): Promise<IndexUpdate> {
  const root = await session.findNode(indexRoot);
  // Before versions were counted every repository that had indexes had those of the first.
  const before = root ? (root.number(versionName) ?? 1) : 0;
  if (root?.number(versionName) !== undefined && before >= shipped.version) return nothing;
  if (!root) {
    await session.addNode(indexRoot);
    await grant(session, indexRoot, groups.everyone, ['jcr:read']);
  }
  const added: string[] = [];
  const changed: string[] = [];
  const kept: IndexUpdate['kept'][number][] = [];
  for (const [name, index] of Object.entries(shipped.indexes)) {
    const path = `${indexRoot}/${name}`;
    const node = await session.findNode(path);
    if (node) {
      const state = stateOf(node, index);
      if (state === 'changed') kept.push({ name, reason: 'changed here' });
      if (state !== 'earlier') continue;
      const gone = listNames.filter((list) => node.property(list) && !index.definition[list]);
      const removals = Object.fromEntries(gone.map((list) => [list, null]));
      await session.setProperties(path, { ...removals, ...propertiesOf(index.definition) });
      changed.push(name);
    } else if (index.since > before) {
      const properties = propertiesOf(index.definition);
      await session.addNode(path, { primaryType: 'oak:QueryIndexDefinition', properties });
      added.push(name);
    } else {
      kept.push({ name, reason: 'removed here' });
    }
  }
  await session.setProperties(indexRoot, { [versionName]: shipped.version });
  return { added, changed, kept };
}

/** Whether a definition is one of ours, one of ours that was changed here, or one that was added here. */
export function originOfIndex(node: RepositoryNode): 'shipped' | 'changed' | 'own' {
  const { indexes } = shippedIndexes;
  const index = Object.hasOwn(indexes, node.name) ? indexes[node.name] : undefined;
  if (!index) return 'own';
  return stateOf(node, index) === 'changed' ? 'changed' : 'shipped';
}

function stateOf(node: RepositoryNode, { definition, earlier = [] }: ShippedIndex): 'current' | 'earlier' | 'changed' {
  if (isSame(node, definition)) return 'current';
  return earlier.some((old) => isSame(node, old)) ? 'earlier' : 'changed';
}

/** With nothing else on the node; the order of names has no meaning. */
function isSame(node: RepositoryNode, definition: ShippedDefinition): boolean {
  const names = [...node.properties.keys()].filter((name) => !name.startsWith('jcr:'));
  const sorted = (values: readonly string[] = []) => JSON.stringify([...new Set(values)].sort());
  return (
    node.text('type') === definition.type &&
    names.every((name) => name === 'type' || listNames.some((list) => list === name)) &&
    listNames.every((list) => sorted(node.texts(list)) === sorted(definition[list]))
  );
}

function propertiesOf(definition: ShippedDefinition): Record<string, Property | string> {
  const { type, propertyNames, declaringNodeTypes, includedPaths } = definition;
  const list = (of: 'Name' | 'String', values: readonly string[]): Property => ({ type: of, multiple: true, values });
  return {
    type,
    ...(propertyNames && { propertyNames: list('Name', propertyNames) }),
    ...(declaringNodeTypes && { declaringNodeTypes: list('Name', declaringNodeTypes) }),
    ...(includedPaths && { includedPaths: list('String', includedPaths) }),
  };
}
