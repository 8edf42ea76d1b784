/**
 * Parameters of AEM's QueryBuilder as a query (Adobe, "Query Builder Predicate Reference"): `path=/content/dam`,
 * `type=dam:Asset`, `1_property=jcr:content/metadata/dc:format`, `1_property.value=image/png`, `p.limit=20` and so on.
 */
import { nameProblem, printable } from '../path.js';
import { invalidQuery } from './invalid-query.js';
import { parsePredicates } from './predicate-tree.js';
import type { Predicate } from './predicate-tree.js';
import type { Condition, Query, QueryDepth, QueryOrder, QueryValue, RangeBound } from './query.js';

export interface QueryBuilderQuery {
  readonly query: Query;
  /** `p.guessTotal`: how far hits are counted; `undefined` counts all. */
  readonly guessTotal: number | true | undefined;
  /** `p.hits`: how hits are shown. */
  readonly hits: HitFormat;
  /** `p.properties`: what `selective` hits show; relative paths, or `jcr:path`. */
  readonly properties: readonly string[];
  /** `p.nodedepth`: levels below the hit that `full` hits show. */
  readonly nodeDepth: number;
}

/** `simple`: path, name and title; `full`: all properties; `selective`: those that are named. */
export type HitFormat = 'simple' | 'full' | 'selective';

const defaultLimit = 10;
const hitFormats: readonly HitFormat[] = ['simple', 'full', 'selective'];
const maxNodeDepth = 10;
const maxProperties = 100;

/**
 * @param parameters as they are written, or name and value in the order they came; a name that repeats is refused
 * @param now what `relativedaterange` counts from
 * @throws INVALID_QUERY naming the parameter, also for one that is not known
 */
export function parseQueryBuilder(
  parameters: string | Iterable<readonly [string, string]>,
  now = new Date(),
): QueryBuilderQuery {
  const root = parsePredicates(typeof parameters === 'string' ? new URLSearchParams(parameters) : parameters);
  const settings = readSettings(root);
  const parts: Condition[] = [];
  const order: QueryOrder[] = [];
  let scope: Scope | undefined;
  let type: string | undefined;
  for (const predicate of root.predicates) {
    if (predicate.type === 'orderby') {
      order.push(readOrder(predicate));
    } else if (predicate.type === 'path' && scope === undefined && !settings.or) {
      scope = readPath(predicate);
    } else if (predicate.type === 'type' && type === undefined && !settings.or) {
      type = readType(predicate);
    } else {
      parts.push(readCondition(predicate, now));
    }
  }
  const where = settings.or ? { or: parts } : { and: parts };
  return {
    query: {
      ...scope,
      ...(type !== undefined && { type }),
      ...(parts.length > 0 && { where }),
      ...(order.length > 0 && { order }),
      offset: settings.offset,
      ...(settings.limit !== undefined && { limit: settings.limit }),
    },
    guessTotal: settings.guessTotal,
    hits: settings.hits,
    properties: settings.properties,
    nodeDepth: settings.nodeDepth,
  };
}

interface Scope {
  readonly path: string;
  readonly depth: QueryDepth;
}

function readSettings(root: Predicate): {
  readonly or: boolean;
  readonly offset: number;
  readonly limit: number | undefined;
  readonly guessTotal: number | true | undefined;
  readonly hits: HitFormat;
  readonly properties: readonly string[];
  readonly nodeDepth: number;
} {
  const p = new Settings(root, 'p');
  const limit = p.text('p.limit');
  const guess = p.text('p.guessTotal');
  const wanted = p.text('p.hits') ?? 'simple';
  const hits = hitFormats.find((format) => format === wanted);
  if (!hits) throw problem('p.hits', `must be one of ${hitFormats.join(', ')}`);
  const settings = {
    or: p.flag('p.or'),
    offset: wholeNumber('p.offset', p.text('p.offset') ?? '0'),
    limit: limit === '-1' ? undefined : limit === undefined ? defaultLimit : wholeNumber('p.limit', limit),
    guessTotal:
      guess === undefined || guess === 'false'
        ? undefined
        : guess === 'true'
          ? (true as const)
          : wholeNumber('p.guessTotal', guess),
    hits,
    properties: readProperties(p.text('p.properties'), hits),
    nodeDepth: readNodeDepth(p.text('p.nodedepth'), hits),
  };
  p.flag('p.and');
  p.assertNoOthers();
  return settings;
}

/** Separated by blanks. */
function readProperties(text: string | undefined, hits: HitFormat): readonly string[] {
  const properties = (text ?? '').split(/\s+/).filter((name) => name !== '');
  if (properties.length > maxProperties) throw problem('p.properties', `names more than ${maxProperties} properties`);
  if (hits !== 'selective') return [];
  if (properties.length === 0) throw problem('p.properties', 'must name what the hits show, as jcr:path');
  for (const path of properties) {
    const wrong = path
      .split('/')
      .map(nameProblem)
      .find((found) => found !== undefined);
    if (wrong !== undefined) throw problem('p.properties', `names "${printable(path.slice(0, 200))}", which ${wrong}`);
  }
  return [...new Set(properties)];
}

/** AEM's 0, the whole subtree, has no bound and is refused. */
function readNodeDepth(text: string | undefined, hits: HitFormat): number {
  if (text === undefined || hits !== 'full') return 0;
  const depth = wholeNumber('p.nodedepth', text);
  if (depth >= 1 && depth <= maxNodeDepth) return depth;
  throw problem('p.nodedepth', `must be a whole number from 1 to ${maxNodeDepth}`);
}

function readCondition(predicate: Predicate, now: Date): Condition {
  const read = Object.hasOwn(conditions, predicate.type) ? conditions[predicate.type] : undefined;
  if (!read) {
    const known = [...Object.keys(conditions), 'orderby', 'p.…'].join(', ');
    throw problem(predicate.name, `is no predicate that is known; there are ${known}`);
  }
  return read(predicate, now);
}

const conditions: Readonly<Record<string, (predicate: Predicate, now: Date) => Condition>> = {
  path: (predicate) => {
    const { path, depth } = readPath(predicate);
    return { path, depth };
  },
  type: (predicate) => ({ type: readType(predicate) }),
  property: readProperty,
  daterange: readDateRange,
  relativedaterange: readRelativeDateRange,
  rangeproperty: readRangeProperty,
  nodename: (predicate) => {
    const settings = new Settings(predicate);
    const name = settings.required();
    settings.assertNoOthers();
    return { name };
  },
  fulltext: readFullText,
  tagid: readTag,
  group: readGroup,
};

function readPath(predicate: Predicate): Scope {
  const settings = new Settings(predicate);
  const path = settings.required();
  const flat = settings.flag('flat');
  const exact = settings.flag('exact');
  const self = settings.flag('self');
  settings.assertNoOthers();
  if (exact) return { path, depth: 'self' };
  if (flat && self) throw problem(`${predicate.name}.self`, 'cannot be joined with flat');
  return { path, depth: flat ? 'children' : self ? 'subtree' : 'descendants' };
}

function readType(predicate: Predicate): string {
  const settings = new Settings(predicate);
  const type = settings.required();
  settings.assertNoOthers();
  return type;
}

function readProperty(predicate: Predicate): Condition {
  const settings = new Settings(predicate);
  const property = propertyName(settings.required());
  const operation = settings.text('operation') ?? 'equals';
  const values = settings.values('value');
  const all = settings.flag('and');
  // Oak looks for the property at any depth up to this; here the path is said.
  const depth = settings.text('depth');
  if (depth !== undefined && depth !== '0') throw problem(`${predicate.name}.depth`, 'is not supported; name the path');
  settings.assertNoOthers();
  const isTold = operation === 'exists' || operation === 'not';
  if (!isTold && values.length === 0) {
    if (operation !== 'equals') throw problem(`${predicate.name}.value`, 'is missing');
    return { property, op: 'exists' };
  }
  const each = (op: '=' | '!=' | 'like'): Condition => {
    const [first, ...others] = values.map((value) => ({ property, op, value }));
    if (first && others.length === 0) return first;
    return all ? { and: [...(first ? [first] : []), ...others] } : { or: [...(first ? [first] : []), ...others] };
  };
  switch (operation) {
    case 'equals':
      return values.length > 1 && !all ? { property, op: 'in', value: values } : each('=');
    case 'unequals':
      return each('!=');
    case 'like':
      return each('like');
    case 'not':
      return { property, op: 'missing' };
    case 'exists':
      return values[0] === 'false' ? { property, op: 'missing' } : { property, op: 'exists' };
    default:
      throw problem(
        `${predicate.name}.operation`,
        `is "${printable(operation)}"; there are equals, unequals, like, not, exists`,
      );
  }
}

/** A moment, a day, or milliseconds since 1970. */
function readDateRange(predicate: Predicate): Condition {
  const settings = new Settings(predicate);
  const moment = (field: string, text: string): Date => {
    const date = new Date(/^-?\d{9,16}$/.test(text) ? Number(text) : text);
    if (Number.isNaN(date.getTime())) throw problem(`${predicate.name}.${field}`, 'is no date (ISO 8601)');
    return date;
  };
  const property = propertyName(settings.text('property') ?? missing(predicate, 'property'));
  const range = readBounds(settings, moment);
  settings.text('timeZone');
  settings.assertNoOthers();
  if (!range.from && !range.to) return missing(predicate, 'lowerBound');
  return { property, op: 'between', ...range };
}

function readRangeProperty(predicate: Predicate): Condition {
  const settings = new Settings(predicate);
  const property = propertyName(settings.text('property') ?? missing(predicate, 'property'));
  const decimal = settings.flag('decimal');
  const range = readBounds(settings, (field, text) => {
    if (!decimal) return text;
    const number = Number(text);
    if (text.trim() === '' || Number.isNaN(number)) throw problem(`${predicate.name}.${field}`, 'is no number');
    return number;
  });
  settings.assertNoOthers();
  if (!range.from && !range.to) return missing(predicate, 'lowerBound');
  return { property, op: 'between', ...range };
}

function readBounds(
  settings: Settings,
  read: (field: string, text: string) => QueryValue,
): { readonly from?: RangeBound; readonly to?: RangeBound } {
  const lower = settings.text('lowerBound');
  const upper = settings.text('upperBound');
  const lowerOpen = settings.operation('lowerOperation', '>=', '>') === '>';
  const upperOpen = settings.operation('upperOperation', '<=', '<') === '<';
  return {
    ...(lower !== undefined && { from: { value: read('lowerBound', lower), open: lowerOpen } }),
    ...(upper !== undefined && { to: { value: read('upperBound', upper), open: upperOpen } }),
  };
}

const unitMilliseconds: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** `-1y 2M 3d`: `s m h d w M y`; months and years by the calendar, in UTC; the upper bound is now where none is given. */
function readRelativeDateRange(predicate: Predicate, now: Date): Condition {
  const settings = new Settings(predicate);
  const property = propertyName(settings.text('property') ?? missing(predicate, 'property'));
  const lower = settings.text('lowerBound');
  const upper = settings.text('upperBound');
  settings.assertNoOthers();
  if (lower === undefined && upper === undefined) return missing(predicate, 'lowerBound');
  const at = (field: string, text: string) => shift(now, text, `${predicate.name}.${field}`);
  return {
    property,
    op: 'between',
    ...(lower !== undefined && { from: { value: at('lowerBound', lower) } }),
    to: { value: upper === undefined ? now : at('upperBound', upper) },
  };
}

function shift(now: Date, text: string, parameter: string): Date {
  const match = /^\s*(-?)\s*((?:\d{1,6}\s*[smhdwMy]?\s*)+)$/.exec(text);
  if (!match) throw problem(parameter, 'is no span such as -1y or -2w 3d');
  const sign = match[1] === '-' ? -1 : 1;
  const date = new Date(now);
  for (const [, digits, unit] of (match[2] ?? '').matchAll(/(\d+)\s*([smhdwMy]?)/g)) {
    const count = sign * Number(digits);
    if (unit === 'y') date.setUTCFullYear(date.getUTCFullYear() + count);
    else if (unit === 'M') date.setUTCMonth(date.getUTCMonth() + count);
    // Without a unit they are milliseconds.
    else date.setTime(date.getTime() + count * (unitMilliseconds[unit ?? ''] ?? 1));
  }
  if (Number.isNaN(date.getTime())) throw problem(parameter, 'reaches beyond any date');
  return date;
}

/** `relPath` names a property with `@`, else a node. */
function readFullText(predicate: Predicate): Condition {
  const settings = new Settings(predicate);
  const fullText = settings.required();
  const relative = settings.text('relPath');
  settings.assertNoOthers();
  if (relative === undefined || relative === '.') return { fullText };
  const isProperty = /(?:^|\/)@/.test(relative);
  return { fullText, property: isProperty ? propertyName(relative) : `${relative}/*` };
}

/** A tag by its id, or one below it. */
function readTag(predicate: Predicate): Condition {
  const settings = new Settings(predicate);
  const property = propertyName(settings.text('property') ?? 'cq:tags');
  const plain = settings.text();
  const tags = [...(plain === undefined ? [] : [plain]), ...settings.values('value')];
  const all = settings.flag('and');
  settings.assertNoOthers();
  if (tags.length === 0) throw problem(predicate.name, 'is empty');
  const each = tags.map((tag): Condition => {
    const below = tag.endsWith(':') ? tag : `${tag}/`;
    return {
      or: [
        { property, op: '=', value: tag },
        { property, op: 'like', value: `${below.replace(/[%_\\]/g, '\\$&')}%` },
      ],
    };
  });
  return all ? { and: each } : { or: each };
}

function readGroup(predicate: Predicate, now: Date): Condition {
  const settings = new Settings(predicate);
  const or = settings.flag('p.or');
  const not = settings.flag('p.not');
  settings.flag('p.and');
  settings.assertNoOthers();
  const parts = predicate.predicates.map((part) => readCondition(part, now));
  if (parts.length === 0) throw problem(predicate.name, 'holds no predicates');
  const joined: Condition = or ? { or: parts } : { and: parts };
  return not ? { not: joined } : joined;
}

/** `@jcr:content/jcr:lastModified`, `path`, `nodename`, `@jcr:score`. */
function readOrder(predicate: Predicate): QueryOrder {
  const settings = new Settings(predicate);
  const by = settings.required();
  const sort = settings.text('sort') ?? 'asc';
  if (sort !== 'asc' && sort !== 'desc') throw problem(`${predicate.name}.sort`, 'must be asc or desc');
  const letters = settings.text('case');
  if (letters !== undefined && letters !== 'ignore') throw problem(`${predicate.name}.case`, 'must be ignore');
  settings.assertNoOthers();
  const options = {
    direction: sort === 'desc' ? ('descending' as const) : ('ascending' as const),
    caseInsensitive: letters === 'ignore',
  };
  if (by === '@jcr:score') return { by: 'score', ...options };
  if (by === 'path') return { by: 'path', ...options };
  if (!/(?:^|\/)@/.test(by)) throw problem(predicate.name, 'must be path or a property such as @jcr:content/jcr:title');
  return { property: propertyName(by), ...options };
}

/** A property's path, which QueryBuilder lets begin with `@`, or have it before the name. */
function propertyName(text: string): string {
  return text.replace(/(^|\/)@/, '$1').replace(/^\.\//, '');
}

/** The parameters of one predicate; what nobody asked for is refused. */
class Settings {
  readonly #asked = new Set<string>();

  constructor(
    private readonly predicate: Predicate,
    private readonly label = predicate.name,
  ) {}

  /** @param field `''` is the predicate's own value */
  text(field = ''): string | undefined {
    this.#asked.add(field);
    return this.predicate.settings.get(field);
  }

  required(): string {
    const text = this.text();
    if (text === undefined || text === '') throw problem(this.label, 'is empty');
    return text;
  }

  flag(field: string): boolean {
    const text = this.text(field);
    if (text === undefined || text === 'false') return false;
    if (text === 'true') return true;
    throw problem(this.#name(field), 'must be true or false');
  }

  operation(field: string, first: string, second: string): string {
    const text = this.text(field) ?? first;
    if (text !== first && text !== second) throw problem(this.#name(field), `must be ${first} or ${second}`);
    return text;
  }

  /** `value`, `1_value`, `2_value` in the order of their numbers. */
  values(field: string): string[] {
    const numbered = new RegExp(`^(\\d+)_${field}$`);
    const found: [number, string][] = [];
    for (const [name, text] of this.predicate.settings) {
      const number = name === field ? '-1' : numbered.exec(name)?.[1];
      if (number === undefined) continue;
      this.#asked.add(name);
      found.push([Number(number), text]);
    }
    return found.sort(([a], [b]) => a - b).map(([, text]) => text);
  }

  assertNoOthers(): void {
    for (const name of this.predicate.settings.keys()) {
      if (!this.#asked.has(name)) throw problem(this.#name(name), 'is no parameter that is known');
    }
  }

  #name(field: string): string {
    if (field === '' || field.startsWith('p.'))
      return field === '' ? this.label : `${this.predicate.name}.${field}`.replace(/^\./, '');
    return `${this.label}.${field}`;
  }
}

function wholeNumber(parameter: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw problem(parameter, 'must be a whole number from 0 to 999,999,999');
  return Number(text);
}

function missing(predicate: Predicate, field: string): never {
  throw problem(`${predicate.name}.${field}`, 'is missing');
}

function problem(parameter: string, text: string): Error {
  const shown = printable(parameter.slice(0, 200));
  return invalidQuery(`has a parameter that cannot be taken: ${shown} ${text}`, parameter);
}
