/**
 * Conditions are written in CEL (https://cel.dev). The library parses and checks types; evaluated is by `evaluate-condition.ts`,
 * whose work is counted. What is not in the lists here does not exist for conditions: regular expressions (they backtrack), maps and
 * bytes written out, dates and times.
 */
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { nearestName } from '../../../workflows/contract/nearest-name.js';

export type ConditionNode = ASTNode;

/** Types of the variables, as the checker names them. */
const variables = {
  metadata: 'map<string, dyn>',
  results: 'map<string, dyn>',
  visits: 'map<string, int>',
  payload: 'map<string, dyn>',
  tenant: 'string',
  initiator: 'string',
} as const;

export type ConditionVariable = keyof typeof variables;
export const conditionVariables = Object.keys(variables) as readonly ConditionVariable[];

/** `size(x)` */
const functions: readonly string[] = ['has', 'size', 'int', 'double', 'string'];
/** `text.contains("x")` */
const methods: readonly string[] = [
  ...['size', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii', 'trim'],
];
/** `list.exists(item, item > 2)` */
const comprehensions: readonly string[] = ['all', 'exists', 'exists_one', 'filter', 'map'];

/** In characters. */
export const maxConditionLength = 1_000;

const environment = Object.entries(variables).reduce(
  (declared, [name, type]) => declared.registerVariable(name, type),
  new Environment({
    limits: { maxAstNodes: 300, maxDepth: 32, maxListElements: 100, maxMapEntries: 1, maxCallArguments: 3 },
  }),
);

export interface ParsedCondition {
  readonly text: string;
  readonly node: ConditionNode;
  /** The variables it speaks of. */
  readonly variables: ReadonlySet<string>;
}

/** @returns the condition, or what is wrong with it: a sentence without a subject, `has an unknown variable "foo"` */
export function parseCondition(text: string): ParsedCondition | string {
  if (text.length > maxConditionLength)
    return `has ${text.length} characters, more than ${maxConditionLength}; let a step decide and put its answer into the metadata`;
  if (text.trim() === '') return 'is empty';
  const used = new Set<string>();
  try {
    const parsed = environment.parse(text);
    // Before the types are checked: the checker takes exponential time for what is refused here.
    const refused = findRefused(parsed.ast, new Set(), used);
    if (refused !== undefined) return refused;
    const { valid, type, error } = parsed.check();
    if (!valid) return problemOf(error);
    if (type !== 'bool' && type !== 'dyn') return `gives a value of type ${type}, and must be true or false`;
    return { text, node: parsed.ast, variables: used };
  } catch (error) {
    return problemOf(error);
  }
}

function problemOf(error: unknown): string {
  const { summary, message, range } = error as Error & { summary?: string; range?: { start: number } };
  const at = range === undefined ? '' : ` at character ${range.start + 1}`;
  return `does not parse${at}: ${(summary ?? message).split('\n', 1)[0] ?? ''}`;
}

/** @param bound names that comprehensions around the node declare @param used gets the variables @returns the first thing that conditions may not hold */
function findRefused(node: ConditionNode, bound: ReadonlySet<string>, used: Set<string>): string | undefined {
  const any = (nodes: readonly ConditionNode[], names = bound): string | undefined => {
    for (const child of nodes) {
      const refused = findRefused(child, names, used);
      if (refused !== undefined) return refused;
    }
    return undefined;
  };
  switch (node.op) {
    case 'value':
      return typeof node.args === 'object' && node.args !== null
        ? 'holds bytes or an unsigned number, which conditions have not'
        : undefined;
    case 'id':
      if (bound.has(node.args)) return undefined;
      if (!Object.hasOwn(variables, node.args)) return unknownName('variable', node.args, conditionVariables);
      used.add(node.args);
      return undefined;
    case '.':
      return any([node.args[0]]);
    case 'list':
      return any(node.args);
    case '!_':
    case '-_':
      return any([node.args]);
    case 'call': {
      const [name, args] = node.args;
      if (!functions.includes(name)) return unknownName('function', name, functions);
      return any(args);
    }
    case 'rcall': {
      const [name, receiver, args] = node.args;
      if (comprehensions.includes(name)) {
        const [variable, ...bodies] = args;
        if (variable?.op !== 'id') return `has a "${name}" whose first part is no name, as in list.${name}(item, …)`;
        if (Object.hasOwn(variables, variable.args))
          return `has a "${name}" over "${variable.args}", which is the name of a variable`;
        return any([receiver]) ?? any(bodies, new Set([...bound, variable.args]));
      }
      if (!methods.includes(name)) return unknownName('function', name, [...methods, ...comprehensions]);
      return any([receiver, ...args]);
    }
    case '[]':
    case '?:':
    case '||':
    case '&&':
    case '==':
    case '!=':
    case 'in':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return any(node.args);
    case 'map':
    case '.?':
    case '[?]':
      return `holds "${node.op === 'map' ? '{…}' : node.op}", which conditions have not`;
  }
}

function unknownName(what: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean "${nearest}"?`;
  return `has an unknown ${what} "${name}"; ${hint}`;
}
