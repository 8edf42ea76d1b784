/** What conditions may ask of the node that a workflow works on. */
import type { RepositoryNode, Session } from '../../../repository/api.js';
import type { Property, Value } from '../../../repository/value.js';
import type { JsonObject, JsonValue } from '../../../workflows/contract/model.js';

/**
 * `{ path, type, properties, content: { type, properties } }`, where `content` is its jcr:content; only `{ path }` when the session may not
 * read it. Dates are text in ISO 8601 as they are stored; Binaries are not there.
 */
export async function payloadFacts(session: Session, path: string): Promise<JsonObject> {
  const [node, content] = await session.findNodes([path, `${path === '/' ? '' : path}/jcr:content`]);
  return { path, ...(node && factsOf(node)), ...(content && { content: factsOf(content) }) };
}

function factsOf(node: RepositoryNode): JsonObject {
  const properties: JsonObject = {};
  for (const [name, property] of node.properties) {
    const value = jsonOf(property);
    if (value !== undefined) properties[name] = value;
  }
  return { type: node.primaryType, properties };
}

function jsonOf({ type, multiple, values }: Property): JsonValue | undefined {
  if (type === 'Binary') return undefined;
  const items = values.map(plain);
  return multiple ? items : items[0];
}

function plain(value: Value): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'object' ? null : value;
}
