/** Hits as AEM's QueryBuilder writes them (`p.hits`). */
import type { RepositoryNode, Session } from '../../repository/api.js';
import { joinPath } from '../../repository/path.js';
import type { QueryBuilderQuery } from '../../repository/query/query-builder.js';
import type { Property, Value } from '../../repository/value.js';

/** JSON of one hit, in parts: a hit with all that is below it need not be held. */
export async function* writeHit(
  session: Session,
  node: RepositoryNode,
  { hits, properties, nodeDepth }: QueryBuilderQuery,
): AsyncGenerator<string> {
  if (hits === 'full') yield* fullHit(session, node, nodeDepth, { 'jcr:path': node.path });
  else if (hits === 'selective') yield JSON.stringify(await selectiveHit(session, node, properties));
  else yield JSON.stringify(await simpleHit(session, node));
}

async function simpleHit(session: Session, node: RepositoryNode): Promise<object> {
  const content = joinPath(node.path, 'jcr:content');
  const [below, metadata] = await session.findNodes([content, joinPath(content, 'metadata')]);
  const first = (...names: string[]) => {
    for (const holder of [node, below]) {
      for (const name of names) {
        const text = holder?.text(name);
        if (text !== undefined) return text;
      }
    }
    return undefined;
  };
  return {
    path: node.path,
    name: node.name,
    title: first('jcr:title') ?? metadata?.text('dc:title') ?? node.name,
    lastModified: first('jcr:lastModified', 'cq:lastModified'),
    created: first('jcr:created'),
  };
}

/** As Sling renders nodes: properties by name, then children by name, as deep as was asked for. */
async function* fullHit(
  session: Session,
  node: RepositoryNode,
  depth: number,
  before: Readonly<Record<string, unknown>>,
): AsyncGenerator<string> {
  const properties = Object.fromEntries([...node.properties].map(([name, property]) => shown(name, property)));
  yield JSON.stringify({ ...before, ...properties }).slice(0, -1);
  if (depth > 0) {
    for await (const child of session.children(node.path)) {
      let start = `,${JSON.stringify(child.name)}:`;
      for await (const part of fullHit(session, child, depth - 1, {})) {
        yield start + part;
        start = '';
      }
    }
  }
  yield '}';
}

/** Properties by their relative paths, those of nodes below as objects within. */
async function selectiveHit(session: Session, node: RepositoryNode, paths: readonly string[]): Promise<object> {
  const wanted = paths.map((path) => path.split('/'));
  const holders = [...new Set(wanted.map((names) => names.slice(0, -1).join('/')))].filter((tail) => tail !== '');
  const found = await session.findNodes(holders.map((tail) => joinPath(node.path, tail)));
  const byTail = new Map(holders.map((tail, index) => [tail, found[index]]));
  const hit: Tree = new Map();
  for (const names of wanted) {
    const name = names.at(-1) ?? '';
    const tail = names.slice(0, -1);
    if (tail.length === 0 && name === 'jcr:path') {
      hit.set(name, node.path);
      continue;
    }
    const property = (tail.length === 0 ? node : byTail.get(tail.join('/')))?.property(name);
    if (!property) continue;
    const [key, value] = shown(name, property);
    let holder: Tree = hit;
    for (const step of tail) {
      const below = holder.get(step);
      const tree: Tree = below instanceof Map ? (below as Tree) : new Map<string, unknown>();
      holder.set(step, tree);
      holder = tree;
    }
    if (!(holder.get(key) instanceof Map)) holder.set(key, value);
  }
  return asObject(hit);
}

type Tree = Map<string, unknown>;

/** Made from maps, so that no name of content means anything to JavaScript. */
function asObject(tree: Tree): object {
  return Object.fromEntries(
    [...tree].map(([name, value]) => [name, value instanceof Map ? asObject(value as Tree) : value]),
  );
}

/** A binary shows as its size, under `:<name>` (Sling: JsonObjectCreator). */
function shown(name: string, { multiple, values }: Property): [string, unknown] {
  const plain = values.map(plainValue);
  const isBinary = values.some((value) => typeof value === 'object');
  return [isBinary ? `:${name}` : name, multiple ? plain : plain[0]];
}

/** Whole numbers beyond 2^53 are texts, as JSON numbers would change them. */
function plainValue(value: Value): unknown {
  if (typeof value === 'object') return value.size;
  return typeof value === 'bigint' ? value.toString() : value;
}
