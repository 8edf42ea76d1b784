/**
 * The check of everything Handlebars would only notice while rendering, or never: names of variables against the
 * template's documented ones, helpers, and syntax that is not for mail. Rendering is strict as well, but a name inside
 * `{{#if …}}` that is written wrongly would just be false there.
 */
import Handlebars from 'handlebars';
import { nearestName } from '../../workflows/contract/nearest-name.js';
import { offsetOf } from './mapped-text.js';
import { builtInHelpers, partialScopeHelper, templateHelpers } from './template-helpers.js';
import type { FlatTemplate } from './flatten-template.js';
import type { TemplateProblem } from './template-problem.js';

/** The part of JSON Schema that documents variables. */
export interface VariableSchema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, VariableSchema>>;
  readonly items?: VariableSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly additionalProperties?: boolean | VariableSchema;
}

interface Scope {
  /** `undefined`: of unknown shape, where every name is allowed. */
  readonly schema: VariableSchema | undefined;
  readonly named: ReadonlyMap<string, VariableSchema | undefined>;
}

const dataVariables = new Set(['root', 'index', 'first', 'last', 'key', 'locale', 'subject']);
const blockHelpers = new Set<string>(['if', 'unless', 'each', 'with', partialScopeHelper]);
const helpers = new Set<string>([...builtInHelpers, ...Object.keys(templateHelpers)]);
/** Names that lead out of the data, whatever a schema says. */
const prototypeNames = new Set(
  [Object.prototype, Array.prototype, String.prototype, Number.prototype, Function.prototype]
    .flatMap((prototype) => Object.getOwnPropertyNames(prototype))
    .filter(
      (name) => !['length', 'name', 'at', 'link', 'big', 'small', 'bold', 'keys', 'values', 'entries'].includes(name),
    )
    .concat('prototype'),
);

/** @param schema of all variables; `undefined` for a template that documents none */
export function checkExpressions(flat: FlatTemplate, schema: VariableSchema | undefined): TemplateProblem[] {
  const problems: TemplateProblem[] = [];
  const problem = (node: hbs.AST.Node, message: string) =>
    problems.push(flat.problemAt(offsetOf(flat.text, node.loc.start.line, node.loc.start.column), message));

  /** The schema at the end of a path. */
  const resolve = (path: hbs.AST.PathExpression, scopes: readonly Scope[]): VariableSchema | undefined => {
    const forbidden = path.parts.find((part) => prototypeNames.has(part));
    if (forbidden !== undefined) {
      problem(path, `"${path.original}": "${forbidden}" is not a variable.`);
      return undefined;
    }
    if (path.data) {
      const [name = '', ...rest] = path.parts;
      if (!dataVariables.has(name)) {
        problem(path, `There is no @${name} (known: ${[...dataVariables].map((known) => `@${known}`).join(', ')}).`);
      }
      return name === 'root' ? walk(path, scopes[0]?.schema, rest) : undefined;
    }
    const scope = scopes.at(-1 - path.depth);
    if (!scope) {
      problem(path, `"${path.original}" leads above the outermost scope.`);
      return undefined;
    }
    const [first, ...rest] = path.parts;
    if (first === undefined) return scope.schema;
    if (scope.named.has(first)) return walk(path, scope.named.get(first), rest);
    return walk(path, scope.schema, path.parts);
  };

  const walk = (
    path: hbs.AST.PathExpression,
    start: VariableSchema | undefined,
    parts: readonly string[],
  ): VariableSchema | undefined => {
    let current = start;
    for (const part of parts) {
      if (!current) return undefined;
      if (current.items && (part === 'length' || /^\d+$/.test(part))) {
        current = part === 'length' ? { type: 'integer' } : current.items;
        continue;
      }
      const known: Readonly<Record<string, VariableSchema>> = current.properties ?? {};
      const next = Object.hasOwn(known, part) ? known[part] : undefined;
      if (!next) {
        if (current.additionalProperties === true || (current.type === undefined && !current.properties))
          return undefined;
        const names = Object.keys(known);
        const close = nearestName(part, names);
        problem(
          path,
          `There is no variable "${path.original}"${close === undefined ? '' : `; did you mean "${close}"?`}` +
            (names.length === 0 ? '' : ` (known here: ${names.join(', ')})`),
        );
        return undefined;
      }
      current = next;
    }
    return current;
  };

  const checkArguments = (
    call: { readonly params: readonly hbs.AST.Expression[]; readonly hash?: hbs.AST.Hash },
    scopes: readonly Scope[],
  ): void => {
    for (const value of [...call.params, ...hashPairs(call).map((pair) => pair.value)]) checkValue(value, scopes);
  };

  const checkValue = (value: hbs.AST.Expression, scopes: readonly Scope[]): VariableSchema | undefined => {
    if (isPath(value)) return resolve(value, scopes);
    if (isCall(value)) {
      checkHelper(value, value.path, scopes);
      return undefined;
    }
    return { type: 'string' };
  };

  const checkHelper = (
    call: { readonly params: readonly hbs.AST.Expression[]; readonly hash?: hbs.AST.Hash },
    path: hbs.AST.Node,
    scopes: readonly Scope[],
  ): void => {
    const name = isPath(path) ? path.original : '';
    if (!helpers.has(name)) {
      problem(
        path,
        `There is no helper "${name}" (known: ${[...helpers].filter((h) => h !== partialScopeHelper).join(', ')}).`,
      );
    }
    checkArguments(call, scopes);
  };

  const checkProgram = (program: hbs.AST.Program, scopes: readonly Scope[]): void => {
    for (const statement of program.body) {
      if (isMustache(statement)) checkMustache(statement, scopes);
      else if (isBlock(statement)) checkBlock(statement, scopes);
      else if (statement.type !== 'ContentStatement' && statement.type !== 'CommentStatement') {
        problem(statement, `${statement.type} is not supported in mail templates.`);
      }
    }
  };

  const checkMustache = (statement: hbs.AST.MustacheStatement, scopes: readonly Scope[]): void => {
    if (!statement.escaped) {
      problem(statement, 'Unescaped output ({{{…}}} or {{&…}}) is not allowed: values may hold markup of strangers.');
    }
    const { path } = statement;
    if (statement.params.length > 0 || hashPairs(statement).length > 0) {
      checkHelper(statement, path, scopes);
    } else if (!isPath(path)) {
      problem(statement, 'A literal alone is not an expression.');
    } else if (helpers.has(path.original) && !scopes.at(-1)?.named.has(path.original)) {
      problem(statement, `The helper "${path.original}" needs a value.`);
    } else {
      resolve(path, scopes);
    }
  };

  const checkBlock = (block: hbs.AST.BlockStatement, scopes: readonly Scope[]): void => {
    const name = block.path.original;
    if (!blockHelpers.has(name)) {
      problem(block, `There is no block "${name}" (known: #if, #unless, #each, #with).`);
      return;
    }
    const subject = block.params[0] ? checkValue(block.params[0], scopes) : undefined;
    for (const value of block.params.slice(1)) checkValue(value, scopes);
    const hash = new Map(hashPairs(block).map((pair) => [pair.key, checkValue(pair.value, scopes)]));
    // An empty program has no node, whatever the types say.
    const program = block.program as hbs.AST.Program | undefined;
    const inverse = block.inverse as hbs.AST.Program | undefined;
    if (program) {
      const current = scopes.at(-1);
      const blockNames = (program.blockParams as readonly string[] | undefined) ?? [];
      if (name === partialScopeHelper) {
        checkProgram(program, [
          ...scopes,
          { schema: current?.schema, named: new Map([...(current?.named ?? []), ...hash]) },
        ]);
      } else if (name === 'each' || name === 'with') {
        const inner = name === 'with' ? subject : subject?.items;
        if (name === 'each' && subject && !subject.items && subject.type !== 'object' && subject.type !== undefined) {
          problem(block, `{{#each}} needs a list, and this is ${String(subject.type)}.`);
        }
        checkProgram(program, [
          ...scopes,
          { schema: inner, named: new Map(blockNames.map((n, i) => [n, i === 0 ? inner : undefined])) },
        ]);
      } else {
        checkProgram(program, scopes);
      }
    }
    if (inverse) checkProgram(inverse, scopes);
  };

  checkProgram(Handlebars.parse(flat.text), [{ schema, named: new Map() }]);
  return problems;
}

function hashPairs(call: { readonly hash?: hbs.AST.Hash | undefined }): readonly hbs.AST.HashPair[] {
  return call.hash?.pairs ?? [];
}

const isPath = (node: hbs.AST.Node): node is hbs.AST.PathExpression => node.type === 'PathExpression';
const isCall = (node: hbs.AST.Node): node is hbs.AST.SubExpression => node.type === 'SubExpression';
const isMustache = (node: hbs.AST.Node): node is hbs.AST.MustacheStatement => node.type === 'MustacheStatement';
const isBlock = (node: hbs.AST.Node): node is hbs.AST.BlockStatement => node.type === 'BlockStatement';
