/**
 * Evaluates a parsed condition. Every node, character and element that is looked at is paid from one budget, so that a
 * condition ends soon whatever was written and whatever data it meets; the same condition over the same data always ends the same way,
 * on a busy machine too. Values are read as own properties of plain data: there is nothing else to reach.
 */
import type { JsonObject } from '../../../workflows/contract/model.js';
import type { ConditionNode } from './parse-condition.js';

/** A whole number is a bigint, as CEL has it; what comes from JSON becomes one when it is read. */
type Value = string | number | bigint | boolean | null | readonly unknown[] | { readonly [key: string]: unknown };

/** What makes a condition fail, in words for the person who wrote it. */
export class ConditionFailure extends Error {
  constructor(
    message: string,
    /** Ends everything; else `||` and `&&` may still know their answer. */
    readonly fatal = false,
  ) {
    super(message);
  }
}

/** In steps of about ten nanoseconds to a microsecond. */
export const conditionBudget = 100_000;
/** How deep lists and maps may be nested in one another to be compared. */
const maxValueDepth = 100;
const charactersAStep = 64;
const comparisonsAStep = 1_024;
const largestInt = 2n ** 63n - 1n;

/** @throws ConditionFailure */
export function evaluateCondition(node: ConditionNode, variables: JsonObject): boolean {
  const answer = new Evaluation().run(node, { names: variables });
  if (typeof answer === 'boolean') return answer;
  throw new ConditionFailure(`it gives ${describe(answer)}, and must be true or false`);
}

interface Scope {
  readonly names: { readonly [name: string]: unknown };
  readonly outer?: Scope;
}

class Evaluation {
  #left = conditionBudget;

  run(node: ConditionNode, scope: Scope): Value {
    this.#spend(1);
    switch (node.op) {
      case 'value':
        return valueOf(node.args);
      case 'id':
        return lookUp(scope, node.args);
      case '.':
        return this.#member(this.run(node.args[0], scope), node.args[1]);
      case '[]':
        return this.#element(this.run(node.args[0], scope), this.run(node.args[1], scope));
      case 'list':
        return node.args.map((item) => this.run(item, scope));
      case '?:':
        return this.run(node.args[this.#truth(this.run(node.args[0], scope)) ? 1 : 2], scope);
      case '!_':
        return !this.#truth(this.run(node.args, scope));
      case '-_':
        return this.#negative(this.run(node.args, scope));
      case '||':
        return this.#either(
          true,
          () => this.run(node.args[0], scope),
          () => this.run(node.args[1], scope),
        );
      case '&&':
        return this.#either(
          false,
          () => this.run(node.args[0], scope),
          () => this.run(node.args[1], scope),
        );
      case 'call':
        return this.#call(node.args[0], node.args[1], scope);
      case 'rcall':
        return this.#method(node.args[0], node.args[1], node.args[2], scope);
      case '==':
        return this.#equal(this.run(node.args[0], scope), this.run(node.args[1], scope));
      case '!=':
        return !this.#equal(this.run(node.args[0], scope), this.run(node.args[1], scope));
      case 'in':
        return this.#contains(this.run(node.args[1], scope), this.run(node.args[0], scope));
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return this.#arithmetic(node.op, this.run(node.args[0], scope), this.run(node.args[1], scope));
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#compare(node.op, this.run(node.args[0], scope), this.run(node.args[1], scope));
      case 'map':
      case '.?':
      case '[?]':
        throw new ConditionFailure(`"${node.op}" is not known`, true);
    }
  }

  #spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0)
      throw new ConditionFailure(
        `it takes more than ${conditionBudget} steps; compare less, or let a step decide`,
        true,
      );
  }

  #truth(value: Value): boolean {
    if (typeof value === 'boolean') return value;
    throw new ConditionFailure(`${describe(value)} stands where true or false must stand`);
  }

  /** As CEL has it: the side that decides counts, also where the other one fails. */
  #either(deciding: boolean, left: () => Value, right: () => Value): boolean {
    let failure: ConditionFailure | undefined;
    try {
      if (this.#truth(left()) === deciding) return deciding;
    } catch (error) {
      if (!(error instanceof ConditionFailure) || error.fatal) throw error;
      failure = error;
    }
    if (this.#truth(right()) === deciding) return deciding;
    if (failure !== undefined) throw failure;
    return !deciding;
  }

  #member(value: Value, key: string): Value {
    if (!isMap(value)) throw new ConditionFailure(`${describe(value)} has no "${key}"`);
    if (Object.hasOwn(value, key)) return valueOf(value[key]);
    throw new ConditionFailure(`there is no "${key}"; ask has(….${key}) or "${key}" in … first`);
  }

  #element(value: Value, key: Value): Value {
    if (!isList(value)) {
      if (typeof key === 'string') return this.#member(value, key);
      throw new ConditionFailure(`${describe(value)} has no element ${describe(key)}`);
    }
    const index = typeof key === 'bigint' ? Number(key) : key;
    if (typeof index !== 'number' || !Number.isInteger(index))
      throw new ConditionFailure(`${describe(key)} is no position in a list`);
    if (index >= 0 && index < value.length) return valueOf(value[index]);
    throw new ConditionFailure(`a list of ${value.length} has no position ${index}; positions start at 0`);
  }

  #call(name: string, args: readonly ConditionNode[], scope: Scope): Value {
    const [argument] = args;
    if (!argument) throw new ConditionFailure(`${name}() needs a value`);
    if (name === 'has') {
      if (argument.op !== '.') throw new ConditionFailure('has() takes a member, as in has(metadata.approved)');
      const value = this.run(argument.args[0], scope);
      return isMap(value) && Object.hasOwn(value, argument.args[1]);
    }
    const value = this.run(argument, scope);
    switch (name) {
      case 'size':
        return this.#size(value);
      case 'int':
        return toInt(value);
      case 'double':
        return toDouble(value);
      case 'string':
        return toText(value);
      default:
        throw new ConditionFailure(`there is no function "${name}"`);
    }
  }

  #method(name: string, receiver: ConditionNode, args: readonly ConditionNode[], scope: Scope): Value {
    const value = this.run(receiver, scope);
    switch (name) {
      case 'all':
      case 'exists':
      case 'exists_one':
      case 'filter':
      case 'map':
        return this.#comprehension(name, value, args, scope);
      case 'size':
        return this.#size(value);
    }
    if (typeof value !== 'string') throw new ConditionFailure(`${name}() is for text, not for ${describe(value)}`);
    this.#spend(value.length / charactersAStep);
    switch (name) {
      case 'lowerAscii':
        return value.toLowerCase();
      case 'upperAscii':
        return value.toUpperCase();
      case 'trim':
        return value.trim();
    }
    const part = args[0] && this.run(args[0], scope);
    if (typeof part !== 'string') throw new ConditionFailure(`${name}() takes a text`);
    switch (name) {
      case 'startsWith':
        return value.startsWith(part);
      case 'endsWith':
        return value.endsWith(part);
      case 'contains':
        // At worst every character of one is compared with every one of the other.
        this.#spend((value.length * part.length) / comparisonsAStep);
        return value.includes(part);
      default:
        throw new ConditionFailure(`there is no function "${name}"`);
    }
  }

  #comprehension(
    name: 'all' | 'exists' | 'exists_one' | 'filter' | 'map',
    value: Value,
    args: readonly ConditionNode[],
    outer: Scope,
  ): Value {
    const [variable, first, second] = args;
    if (variable?.op !== 'id' || !first) throw new ConditionFailure(`${name}() takes a name and what to ask of it`);
    const items = this.#items(value);
    const scopeOf = (item: unknown): Scope => ({ names: { [variable.args]: item }, outer });
    const ask = (item: unknown) => this.#truth(this.run(first, scopeOf(item)));
    switch (name) {
      case 'filter':
        return items.filter(ask);
      case 'exists_one':
        return items.filter(ask).length === 1;
      case 'map':
        if (second) return items.filter(ask).map((item) => this.run(second, scopeOf(item)));
        return items.map((item) => this.run(first, scopeOf(item)));
      case 'all':
        return this.#decide(false, items, ask);
      case 'exists':
        return this.#decide(true, items, ask);
    }
  }

  /** One item that decides is enough, also where others fail. */
  #decide(deciding: boolean, items: readonly unknown[], ask: (item: unknown) => boolean): boolean {
    let failure: ConditionFailure | undefined;
    for (const item of items) {
      try {
        if (ask(item) === deciding) return deciding;
      } catch (error) {
        if (!(error instanceof ConditionFailure) || error.fatal) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return !deciding;
  }

  #items(value: Value): readonly unknown[] {
    const items = isList(value) ? value : isMap(value) ? Object.keys(value) : undefined;
    if (!items) throw new ConditionFailure(`${describe(value)} is neither a list nor a map`);
    this.#spend(items.length);
    return items;
  }

  #size(value: Value): bigint {
    if (typeof value !== 'string') return BigInt(this.#items(value).length);
    this.#spend(value.length / charactersAStep);
    let count = 0;
    for (const _character of value) count++;
    return BigInt(count);
  }

  #contains(container: Value, item: Value): boolean {
    if (isMap(container)) return typeof item === 'string' && Object.hasOwn(container, item);
    if (isList(container)) return this.#items(container).some((candidate) => this.#equal(valueOf(candidate), item));
    throw new ConditionFailure(`${describe(container)} is neither a list nor a map`);
  }

  #equal(a: Value, b: Value, depth = 0): boolean {
    this.#spend(1);
    if (typeof a === 'string' && typeof b === 'string') {
      this.#spend(Math.min(a.length, b.length) / charactersAStep);
      return a === b;
    }
    if (isNumber(a) && isNumber(b)) return a == b;
    if (depth > maxValueDepth)
      throw new ConditionFailure(`it compares what is nested more than ${maxValueDepth} deep`, true);
    if (isList(a) && isList(b)) {
      return (
        a.length === b.length && a.every((item, index) => this.#equal(valueOf(item), valueOf(b[index]), depth + 1))
      );
    }
    if (isMap(a) && isMap(b)) {
      const keys = this.#items(a) as readonly string[];
      if (keys.length !== this.#items(b).length) return false;
      return keys.every((key) => Object.hasOwn(b, key) && this.#equal(valueOf(a[key]), valueOf(b[key]), depth + 1));
    }
    return a === b;
  }

  #compare(operator: '<' | '<=' | '>' | '>=', a: Value, b: Value): boolean {
    if (typeof a === 'string' && typeof b === 'string') {
      this.#spend(Math.min(a.length, b.length) / charactersAStep);
      return ordered(operator, a, b);
    }
    if (isNumber(a) && isNumber(b)) return ordered(operator, a, b);
    if (typeof a === 'boolean' && typeof b === 'boolean') return ordered(operator, a, b);
    throw new ConditionFailure(`${describe(a)} and ${describe(b)} have no order`);
  }

  /** A whole number with another one gives a whole number; CEL leaves a whole number with a fraction to be converted, here it is one. */
  #arithmetic(operator: '+' | '-' | '*' | '/' | '%', a: Value, b: Value): Value {
    if (operator === '+' && typeof a === 'string' && typeof b === 'string') {
      this.#spend((a.length + b.length) / charactersAStep);
      return a + b;
    }
    if (operator === '+' && isList(a) && isList(b)) {
      this.#spend(a.length + b.length);
      return [...a, ...b];
    }
    if (typeof a === 'bigint' && typeof b === 'bigint') return wholeArithmetic(operator, a, b);
    if (isNumber(a) && isNumber(b) && operator !== '%') return fractionArithmetic(operator, Number(a), Number(b));
    throw new ConditionFailure(`${describe(a)} ${operator} ${describe(b)} is nothing that can be worked out`);
  }

  #negative(value: Value): Value {
    if (typeof value === 'bigint') return bounded(-value);
    if (typeof value === 'number') return -value;
    throw new ConditionFailure(`${describe(value)} has no negative`);
  }
}

function wholeArithmetic(operator: '+' | '-' | '*' | '/' | '%', a: bigint, b: bigint): bigint {
  if ((operator === '/' || operator === '%') && b === 0n) throw new ConditionFailure('it divides by zero');
  switch (operator) {
    case '+':
      return bounded(a + b);
    case '-':
      return bounded(a - b);
    case '*':
      return bounded(a * b);
    case '/':
      return bounded(a / b);
    case '%':
      return a % b;
  }
}

function fractionArithmetic(operator: '+' | '-' | '*' | '/', a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
  }
}

function ordered<T extends string | number | bigint | boolean>(operator: '<' | '<=' | '>' | '>=', a: T, b: T): boolean {
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

function bounded(value: bigint): bigint {
  if (value <= largestInt && value >= -largestInt - 1n) return value;
  throw new ConditionFailure('it works out a number of more than 64 bits');
}

function lookUp(scope: Scope, name: string): Value {
  for (let at: Scope | undefined = scope; at; at = at.outer) {
    if (Object.hasOwn(at.names, name)) return valueOf(at.names[name]);
  }
  throw new ConditionFailure(`there is no "${name}"`);
}

/** Anything but plain data is none: what a condition cannot name, it cannot reach. */
function valueOf(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value;
    case 'number':
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    case 'object':
      return value as Value;
    default:
      throw new ConditionFailure('there is a value that is no data');
  }
}

function isNumber(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isList(value: Value): value is readonly unknown[] {
  return Array.isArray(value);
}

function isMap(value: Value): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toInt(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return bounded(BigInt(Math.trunc(value)));
  if (typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value)) return bounded(BigInt(value.replace('+', '')));
  throw new ConditionFailure(`${describe(value)} is no whole number`);
}

function toDouble(value: Value): number {
  if (isNumber(value)) return Number(value);
  if (typeof value === 'string' && value.length <= 40 && value.trim() === value && value !== '') {
    const number = Number(value);
    if (!Number.isNaN(number)) return number;
  }
  throw new ConditionFailure(`${describe(value)} is no number`);
}

function toText(value: Value): string {
  if (typeof value === 'string') return value;
  if (isNumber(value) || typeof value === 'boolean') return String(value);
  throw new ConditionFailure(`${describe(value)} has no text`);
}

function describe(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `the text "${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  if (isList(value)) return `a list of ${value.length}`;
  if (isMap(value)) return 'a map';
  return String(value);
}
