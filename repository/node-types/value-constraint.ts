/** Value constraints (JCR 2.0, section 3.7.3.6): a value fulfils a list of them when it fulfils one. */
import { valueText } from '../convert-value.js';
import { isDescendantOrSelf } from '../path.js';
import type { PropertyType, Value } from '../value.js';
import type { PropertyDefinition } from './definition.js';

type Test = (value: Value) => boolean;
type Constrained = Pick<PropertyDefinition, 'type' | 'constraints'>;

const tests = new WeakMap<Constrained, readonly Test[]>();

/** References are constrained by the type of their target, which is not in the value: they always pass. */
export function fulfilsConstraints(definition: Constrained, value: Value): boolean {
  if (definition.constraints.length === 0 || isReferenceType(definition.type)) return true;
  let compiled = tests.get(definition);
  if (!compiled) {
    compiled = definition.constraints.flatMap((constraint) => compile(definition.type, constraint) ?? []);
    tests.set(definition, compiled);
  }
  return compiled.some((test) => test(value));
}

/** @returns the first constraint that says nothing for its type */
export function wrongConstraint({ type, constraints }: Constrained): string | undefined {
  return constraints.find((constraint) => !isReferenceType(type) && compile(type, constraint) === undefined);
}

export function isReferenceType(type: PropertyType | 'Undefined'): boolean {
  return type === 'Reference' || type === 'WeakReference';
}

function compile(type: PropertyType | 'Undefined', constraint: string): Test | undefined {
  switch (type) {
    case 'Long':
    case 'Double':
    case 'Decimal':
      return range(constraint, Number, (value) => Number(value));
    case 'Date':
      return range(constraint, Date.parse, (value) => Date.parse(valueText(value) ?? ''));
    case 'Binary':
      return range(constraint, Number, (value) => (typeof value === 'object' ? value.size : NaN));
    case 'Boolean':
      return constraint === 'true' || constraint === 'false' ? (value) => valueText(value) === constraint : undefined;
    case 'Name':
      return (value) => value === constraint;
    case 'Path':
      return path(constraint);
    default:
      return pattern(constraint);
  }
}

/** `[min,max]` with round brackets where a bound itself is out; an empty bound is none, and a single value is itself. */
function range(
  constraint: string,
  parse: (text: string) => number,
  measure: (value: Value) => number,
): Test | undefined {
  const [, open = '[', low = '', high = '', close = ']'] = /^([[(])\s*([^,]*?)\s*,\s*([^,]*?)\s*([\])])$/.exec(
    constraint,
  ) ?? [undefined, '[', constraint, constraint, ']'];
  if (low === '' && high === '' && !constraint.includes(',')) return undefined;
  const min = low === '' ? -Infinity : parse(low);
  const max = high === '' ? Infinity : parse(high);
  if (Number.isNaN(min) || Number.isNaN(max)) return undefined;
  return (value) => {
    const measured = measure(value);
    return (
      (open === '(' && low !== '' ? measured > min : measured >= min) &&
      (close === ')' && high !== '' ? measured < max : measured <= max)
    );
  };
}

/** A path, or with `/*` at the end all below it. */
function path(constraint: string): Test {
  if (!constraint.endsWith('/*')) return (value) => value === constraint;
  const ancestor = constraint.slice(0, -2) || '/';
  return (value) => typeof value === 'string' && value !== ancestor && isDescendantOrSelf(value, ancestor);
}

/** A regular expression for the whole value. */
function pattern(constraint: string): Test | undefined {
  try {
    const expression = new RegExp(`^(?:${constraint})$`, 'us');
    return (value) => expression.test(valueText(value) ?? '');
  } catch {
    return undefined;
  }
}
