/** Queries answered the plain way, from a list of nodes: what every plan must agree with. Shares no code with the product. */
import type { RepositoryNode } from '../../repository/api.js';
import type { Condition, Query, QueryValue } from '../../repository/query/query.js';
import type { Property } from '../../repository/value.js';

export interface Listing {
  readonly nodes: readonly RepositoryNode[];
  readonly byPath: ReadonlyMap<string, RepositoryNode>;
}

export function listingOf(nodes: readonly RepositoryNode[]): Listing {
  return { nodes, byPath: new Map(nodes.map((node) => [node.path, node])) };
}

/** Paths of all hits, in no order. */
export function referenceHits(listing: Listing, query: Query): string[] {
  const conditions: Condition[] = [{ path: query.path ?? '/', depth: query.depth ?? 'descendants' }];
  if (query.type !== undefined) conditions.push({ type: query.type });
  if (query.where) conditions.push(query.where);
  if (query.fullText !== undefined) {
    conditions.push(typeof query.fullText === 'string' ? { fullText: query.fullText } : query.fullText);
  }
  return listing.nodes
    .filter((node) => conditions.every((condition) => holds(listing, node, condition)))
    .map(({ path }) => path);
}

function holds(listing: Listing, node: RepositoryNode, condition: Condition): boolean {
  if ('and' in condition) return condition.and.every((part) => holds(listing, node, part));
  if ('or' in condition) return condition.or.some((part) => holds(listing, node, part));
  if ('not' in condition) return !holds(listing, node, condition.not);
  if ('type' in condition) return node.primaryType === condition.type || node.mixins.includes(condition.type);
  if ('name' in condition) return node.name === condition.name;
  if ('path' in condition) {
    const below = condition.path === '/' ? '/' : `${condition.path}/`;
    const isBelow = node.path.startsWith(below) && node.path !== '/';
    if (condition.depth === 'self') return node.path === condition.path;
    if (condition.depth === 'subtree') return node.path === condition.path || isBelow;
    const levels = node.path.slice(below.length).split('/').length;
    return isBelow && levels <= (condition.depth === 'children' ? 1 : Number(condition.depth) || Infinity);
  }
  if ('fullText' in condition) {
    const words = textOf(listing, node, condition.property);
    // The tests search for words, all of them or with one excluded.
    return condition.fullText
      .split(' ')
      .every((word) => (word.startsWith('-') ? !words.includes(word.slice(1)) : words.includes(word)));
  }
  const property = propertyOf(listing, node, condition.property);
  if (condition.op === 'exists') return property !== undefined;
  if (condition.op === 'missing') return property === undefined;
  return (property?.values ?? []).some((value) => {
    const found = plain(property?.type, value);
    if (found === undefined) return false;
    switch (condition.op) {
      case 'in':
        return condition.value.some((wanted) => compare(found, wanted) === 0);
      case 'like':
        return typeof found === 'string' && likeExpression(condition.value).test(found);
      case 'between': {
        const { from, to } = condition;
        const low = from === undefined ? 1 : compare(found, from.value);
        const high = to === undefined ? -1 : compare(found, to.value);
        if (low === undefined || high === undefined) return false;
        return low >= (from?.open ? 1 : 0) && high <= (to?.open ? -1 : 0);
      }
      case '!=':
        return compare(found, condition.value) !== 0;
      default: {
        const order = compare(found, condition.value);
        if (order === undefined) return false;
        if (condition.op === '=') return order === 0;
        if (condition.op === '<') return order < 0;
        if (condition.op === '<=') return order <= 0;
        return condition.op === '>' ? order > 0 : order >= 0;
      }
    }
  });
}

export function propertyOf({ byPath }: Listing, node: RepositoryNode, property: string): Property | undefined {
  const steps = property.split('/');
  const name = steps.pop() ?? '';
  const path = [node.path === '/' ? '' : node.path, ...steps].join('/') || '/';
  return byPath.get(path)?.property(name);
}

type Plain = string | number | boolean | { readonly moment: number };

export function plain(type: string | undefined, value: Property['values'][number]): Plain | undefined {
  if (typeof value === 'object') return undefined;
  if (type === 'Date') return { moment: Date.parse(String(value)) };
  return typeof value === 'bigint' ? Number(value) : value;
}

/** `undefined` for what cannot be compared. */
function compare(found: Plain, wanted: QueryValue): number | undefined {
  if (typeof found === 'object') {
    const moment = wanted instanceof Date ? wanted.getTime() : typeof wanted === 'string' ? Date.parse(wanted) : NaN;
    return Number.isNaN(moment) ? undefined : Math.sign(found.moment - moment);
  }
  if (typeof found === 'number') {
    // An empty text is 0 to JavaScript, and no number to anybody else.
    const number =
      typeof wanted === 'string' && wanted !== '' ? Number(wanted) : typeof wanted === 'number' ? wanted : NaN;
    return Number.isNaN(number) ? undefined : Math.sign(found - number);
  }
  if (typeof found === 'boolean') {
    return typeof wanted === 'boolean' || wanted === 'true' || wanted === 'false'
      ? Number(found) - Number(String(wanted) === 'true')
      : undefined;
  }
  return typeof wanted === 'string' ? Math.sign(Buffer.compare(Buffer.from(found), Buffer.from(wanted))) : undefined;
}

function likeExpression(like: string): RegExp {
  return new RegExp(`^${like.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'su');
}

function textOf({ byPath }: Listing, node: RepositoryNode, property: string | undefined): string[] {
  if (property !== undefined) return stringsOf(propertyOf(listingOf([...byPath.values()]), node, property));
  const parts = ['', '/jcr:content', '/jcr:content/metadata'].flatMap((part) => byPath.get(node.path + part) ?? []);
  const properties = parts.flatMap((part) =>
    [...part.properties].filter(([name]) => !/^(jcr|rep|sling|satchel|oak):/.test(name) || name === 'jcr:title'),
  );
  return [...node.name.toLowerCase().split(/[^a-z0-9]+/), ...properties.flatMap(([, value]) => stringsOf(value))];
}

function stringsOf(property: Property | undefined): string[] {
  if (property?.type !== 'String') return [];
  const texts = property.values.filter((value) => typeof value === 'string');
  return texts.flatMap((text) => text.toLowerCase().split(/[^a-z0-9]+/));
}
