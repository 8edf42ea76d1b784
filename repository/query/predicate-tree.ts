/** Flat parameters such as `group.1_property.value` as the tree of predicates that they stand for. */
import { printable } from '../path.js';
import { invalidQuery } from './invalid-query.js';

export interface Predicate {
  /** As it is written: `1_property`, `group.2_group`; `''` for the root. */
  readonly name: string;
  /** Without its number: `property`. */
  readonly type: string;
  /** By what follows the name: `''` for its own value, `operation`, `1_value`; settings of a group begin with `p.`. */
  readonly settings: Map<string, string>;
  /** Of groups, in the order they came in. */
  readonly predicates: Predicate[];
}

const maxParameters = 500;
const maxNesting = 10;

/** @throws INVALID_QUERY for a name that repeats, or too many or too deep ones */
export function parsePredicates(parameters: Iterable<readonly [string, string]>): Predicate {
  const root: Predicate = { name: '', type: 'group', settings: new Map(), predicates: [] };
  let count = 0;
  for (const [name, value] of parameters) {
    if (++count > maxParameters) throw invalidQuery(`has more than ${maxParameters} parameters`);
    const steps = name.split('.');
    let group = root;
    let depth = 0;
    while (isGroup(steps[0]) && steps.length > 1) {
      if (++depth > maxNesting) throw invalidQuery(`has groups within groups more than ${maxNesting} deep`);
      group = predicateIn(group, steps.shift() ?? '');
    }
    const [first = ''] = steps;
    const isSetting = first === 'p';
    const predicate = isSetting ? group : predicateIn(group, first);
    const field = isSetting ? steps.join('.') : steps.slice(1).join('.');
    if (predicate.settings.has(field)) {
      throw invalidQuery(`has the parameter ${printable(name.slice(0, 200))} twice`, name);
    }
    predicate.settings.set(field, value);
  }
  return root;
}

function isGroup(step: string | undefined): boolean {
  return step !== undefined && typeOf(step) === 'group';
}

function predicateIn(group: Predicate, step: string): Predicate {
  const name = group.name === '' ? step : `${group.name}.${step}`;
  const known = group.predicates.find((predicate) => predicate.name === name);
  if (known) return known;
  const predicate = { name, type: typeOf(step), settings: new Map<string, string>(), predicates: [] };
  group.predicates.push(predicate);
  return predicate;
}

/** `12_property` → `property` */
function typeOf(step: string): string {
  return step.replace(/^\d+_/, '');
}
