/**
 * What a launcher asks of the node an event is about, as AEM writes it: `jcr:content/jcr:mimeType==image/jpeg`. The path of
 * the property is relative to the node, and may go up: `../jcr:title!=Draft`.
 */
import type { RepositoryNode, Session } from '../../repository/api.js';
import { joinPath, nameProblem, parentOf } from '../../repository/path.js';
import type { Property } from '../../repository/value.js';

const operators = ['==', '!=', '<=', '>=', '<', '>'] as const;
type Operator = (typeof operators)[number];

export interface Condition {
  readonly source: string;
  /** Path of the node that has the property, relative to that of the event; `''` for that one. */
  readonly node: string;
  readonly property: string;
  /** Absent: the property must be there. */
  readonly operator: Operator | undefined;
  readonly value: string;
}

/** @returns the condition, or what is wrong with it */
export function parseCondition(source: string): Condition | { readonly problem: string } {
  const [, path = '', operator, value = ''] = /^([^=!<>]*)(==|!=|<=|>=|<|>)?(.*)$/su.exec(source) ?? [];
  const item = path.trim();
  if (operator === undefined && value !== '')
    return {
      problem: `compares with "${value.slice(0, 2)}"; a condition is PROPERTY==VALUE, with ${operators.join(' ')}`,
    };
  if (item === '' || item.startsWith('/') || item.endsWith('/'))
    return { problem: 'names no property relative to the node; a condition is PROPERTY==VALUE' };
  for (const name of item.split('/')) {
    const wrong = name === '.' || name === '..' ? undefined : nameProblem(name);
    if (wrong !== undefined) return { problem: `has the name "${name}", which ${wrong}` };
  }
  const slash = item.lastIndexOf('/');
  return {
    source,
    node: slash < 0 ? '' : item.slice(0, slash),
    property: item.slice(slash + 1),
    operator: operator as Operator | undefined,
    value: value.trim(),
  };
}

/** @param session its rights count: what it may not read is not there */
export async function holds(session: Session, node: RepositoryNode, condition: Condition): Promise<boolean> {
  const path = resolve(node.path, condition.node);
  const owner = path === node.path ? node : path === undefined ? undefined : await session.findNode(path);
  return compareProperty(owner?.property(condition.property), condition);
}

/** `undefined` above the root. */
function resolve(path: string, relative: string): string | undefined {
  let at = path;
  for (const name of relative.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..' && at === '/') return undefined;
    at = name === '..' ? parentOf(at) : joinPath(at, name);
  }
  return at;
}

/** Of several values one must compare so; `!=` wants all of them different, and holds where there is none. */
export function compareProperty(
  property: Property | undefined,
  { operator, value }: Pick<Condition, 'operator' | 'value'>,
): boolean {
  if (operator === undefined) return property !== undefined;
  if (operator === '!=') return !compareProperty(property, { operator: '==', value });
  return (property?.values ?? []).some((held) => {
    const order = compareValues(property?.type === 'Decimal' ? Number(held) : held, value);
    if (order === undefined) return false;
    if (operator === '==') return order === 0;
    if (operator === '<=') return order <= 0;
    if (operator === '>=') return order >= 0;
    return operator === '<' ? order < 0 : order > 0;
  });
}

/** As numbers or times where the property holds such, else as text. `undefined`: cannot be compared. */
function compareValues(held: Property['values'][number], text: string): number | undefined {
  if (typeof held === 'object') return undefined;
  if (typeof held === 'number' || typeof held === 'bigint') {
    const number = text === '' ? Number.NaN : Number(text);
    return Number.isNaN(number) ? undefined : Number(held) - number;
  }
  if (typeof held === 'boolean') return order(String(held), text.toLowerCase());
  const [time, wanted] = isoDate.test(held) && isoDate.test(text) ? [Date.parse(held), Date.parse(text)] : [];
  return time !== undefined && wanted !== undefined ? time - wanted : order(held, text);
}

const isoDate = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/u;

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
