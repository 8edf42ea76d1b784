/**
 * Escapes every expression for where it stands. Handlebars escapes for text and quoted values; a link also has a scheme, and
 * a style its own syntax, so expressions there go through `safeUrl` and `safeCss`; where no escaping helps, they are
 * refused. Active content that the template itself writes is refused, too, wherever it stands: in mj-raw, mj-style or mj-text.
 */
import {
  afterExpression,
  hasScheme,
  isLinkScheme,
  isUrlAttribute,
  joinContexts,
  readOutput,
} from './output-context.js';
import type { OutputContext, OutputFinding } from './output-context.js';

export interface OutputProblem {
  /** The statement it belongs to, for an expression. */
  readonly node?: hbs.AST.Node;
  /** As it is written, for what the template itself writes. */
  readonly written?: string;
  readonly message: string;
}

/** Helpers that templates do not call themselves. */
export const outputGuards = ['safeUrl', 'safeUrlPart', 'safeCss'] as const;
type OutputGuard = (typeof outputGuards)[number];

/** What is in the content for something else, found by a pattern with one group around all of it, and told where it stands. */
export interface Marked {
  readonly pattern: RegExp;
  readonly found: (text: string, context: OutputContext) => void;
}

/** @param program of complete HTML; its expressions are changed in place @returns what is wrong with it */
export function guardOutput(program: hbs.AST.Program, marked?: Marked): OutputProblem[] {
  const problems: OutputProblem[] = [];
  const report = (findings: readonly OutputFinding[]) => problems.push(...findings);

  const walk = (current: hbs.AST.Program | undefined, start: OutputContext): OutputContext => {
    let context = start;
    for (const statement of current?.body ?? []) {
      if (statement.type === 'ContentStatement') {
        const { value } = statement as hbs.AST.ContentStatement;
        for (const [index, piece] of (marked ? value.split(marked.pattern) : [value]).entries()) {
          if (index % 2 === 1) marked?.found(piece, context);
          const read = readOutput(piece, context);
          report(read.findings);
          context = read.context;
        }
      } else if (statement.type === 'MustacheStatement') {
        guard(statement as hbs.AST.MustacheStatement, context);
        context = afterExpression(context);
      } else if (statement.type === 'BlockStatement') {
        const block = statement as hbs.AST.BlockStatement;
        const joined = joinContexts(walk(block.program, context), walk(block.inverse, context));
        if (!joined) {
          problems.push({
            node: block,
            message: 'A block begins and ends at the same place: not within a tag or a quote.',
          });
          return { kind: 'text' };
        }
        context = joined;
      }
    }
    return context;
  };

  const guard = (statement: hbs.AST.MustacheStatement, context: OutputContext): void => {
    const refuse = (where: string) =>
      problems.push({ node: statement, message: `An expression cannot stand ${where}: nothing escapes it there.` });
    if (context.kind === 'comment') refuse('in a comment');
    else if (context.kind === 'tag') refuse('in a tag, outside of a quoted value');
    else if (context.kind === 'raw' && context.element === 'style') guardWith(statement, 'safeCss');
    else if (context.kind === 'value') {
      const { attribute, quote, value } = context;
      if (quote === '') refuse('in a value without quotes');
      else if (attribute === 'style') guardWith(statement, 'safeCss');
      else if (isUrlAttribute(attribute) && value === '') guardWith(statement, 'safeUrl');
      else if (isUrlAttribute(attribute) && !hasScheme(value)) guardWith(statement, 'safeUrlPart');
    }
  };

  const end = walk(program, { kind: 'text' });
  if (end.kind !== 'text' && problems.length === 0) {
    problems.push({
      message: `The HTML ends within a ${end.kind === 'comment' ? 'comment' : 'tag'} that is never closed.`,
    });
  }
  return problems;
}

function guardWith(statement: hbs.AST.MustacheStatement, name: OutputGuard): void {
  const { loc, path, params, hash } = statement;
  const isCall = params.length > 0 || ((hash as hbs.AST.Hash | undefined)?.pairs.length ?? 0) > 0;
  const inner: hbs.AST.Expression = isCall
    ? ({ type: 'SubExpression', loc, path, params, hash } as unknown as hbs.AST.SubExpression)
    : path;
  statement.path = { type: 'PathExpression', data: false, depth: 0, parts: [name], original: name, loc } as never;
  statement.params = [inner];
  statement.hash = undefined as never;
}

/** What a link to nowhere is. */
const noLink = '#';

/** The values these give are escaped for HTML afterwards. */
export const outputGuardHelpers: Readonly<Record<OutputGuard, (value: unknown) => string>> = {
  safeUrl: (value) => {
    const url = withoutControls(value);
    const [, scheme] = /^([^:/?#]*):/.exec(url) ?? [];
    return scheme === undefined || isLinkScheme(scheme) ? url : noLink;
  },
  safeUrlPart: (value) => {
    const part = withoutControls(value);
    return /^[^/?#]*:/.test(part) ? noLink : part;
  },
  safeCss: (value) => {
    const text = asText(value);
    return /^[\w\s#.,%+-]*$/.test(text) ? text : '';
  },
};

/** Browsers pass over them within a scheme. */
function withoutControls(value: unknown): string {
  return asText(value)
    .replace(/[\p{Cc}\u2028\u2029]/gu, '')
    .trim();
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
