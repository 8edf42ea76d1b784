/**
 * The last stage of a template: Handlebars to a function, strict, with the helpers for mail and no others, without access to
 * prototypes, within the bounds of render-budget.ts; errors say where in the template's files they come from.
 */
import Handlebars from 'handlebars';
import { outputGuardHelpers } from './guard-output.js';
import { boundedBlock, checkLength, maxExpressions } from './render-budget.js';
import { builtInHelpers, templateHelpers } from './template-helpers.js';
import { invalidTemplate } from './template-problem.js';
import type { HelperDelegate } from 'handlebars';
import type { MailImages } from './compile-template.js';
import type { RenderBudget } from './render-budget.js';
import type { TemplateProblem } from './template-problem.js';

/** UTF-16 units that the expressions of a template, each with the longest text there is, could make in one go. */
const maxExpressionCharacters = 64 * 1024 * 1024;

/** `@`-variables, as templates and helpers have them. */
export interface RenderData {
  readonly locale: string;
  readonly timeZone: string;
  readonly images: MailImages | undefined;
  readonly subject?: string;
  /** See later-theme.ts. */
  readonly shown?: readonly string[];
  /** Length of the longest text among the variables. */
  readonly longest: number;
}

export type Render = (context: object, data: RenderData) => string;
/** Where in the files of the template a line and column of what is compiled comes from. */
export type ProblemAt = (line: number, column: number, message: string) => TemplateProblem;

/** @throws SatchelError INVALID_TEMPLATE */
export function parseHandlebars(template: string, source: string, problemAt: ProblemAt): hbs.AST.Program {
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(source);
  } catch (error) {
    const message = `After MJML, Handlebars does not parse this any more: ${messageOf(error)}`;
    throw invalidTemplate(template, [problemAt(1, 0, message)], error);
  }
  const expressions = countExpressions(program);
  if (expressions > maxExpressions) {
    const message = `The template has ${expressions} expressions; at most ${maxExpressions} are allowed.`;
    throw invalidTemplate(template, [problemAt(1, 0, message)]);
  }
  return program;
}

/** @returns throws SatchelError INVALID_TEMPLATE for what does not render, or not within its bounds */
export function compileProgram(
  template: string,
  program: hbs.AST.Program,
  problemAt: ProblemAt,
  { noEscape = false }: { readonly noEscape?: boolean } = {},
): Render {
  const fail = (line: number, column: number, message: string, cause?: unknown) =>
    invalidTemplate(template, [problemAt(line, column, message)], cause);
  const expressions = countExpressions(program);
  const compile = (handlebars: typeof Handlebars) =>
    handlebars.compile<object>(program, {
      strict: true,
      noEscape,
      knownHelpersOnly: true,
      knownHelpers: Object.fromEntries(Object.keys(handlebars.helpers).map((name) => [name, true])),
      preventIndent: true,
      // The blanks around tags that stand alone went when it was parsed.
      ignoreStandalone: true,
    });
  const render = compile(quickHandlebars);
  let locatingRender: typeof render | undefined;
  return (context, data) => {
    if (data.longest * expressions > maxExpressionCharacters) {
      throw fail(1, 0, `A variable of ${data.longest} characters is more than a mail can show.`);
    }
    const run = (template: typeof render) => {
      const budget: RenderBudget = { repetitions: 0 };
      const output = template(context, {
        data: { ...data, budget },
        allowProtoMethodsByDefault: false,
        allowProtoPropertiesByDefault: false,
      });
      checkLength(output.length);
      return output;
    };
    try {
      return run(render);
    } catch (error) {
      locatingRender ??= compile(locatingHandlebars);
      const located = attempt(run, locatingRender) ?? error;
      const { lineNumber = 1, column = 0 } = located as LocatedError;
      throw fail(
        lineNumber,
        column,
        `This does not render: ${messageOf(located).replace(/ - \d+:\d+$/, '')}.`,
        located,
      );
    }
  };
}

/** @returns what it throws */
function attempt<Value>(run: (value: Value) => unknown, value: Value): unknown {
  try {
    run(value);
    return undefined;
  } catch (error) {
    return error;
  }
}

function countExpressions(program: hbs.AST.Program | undefined): number {
  return (program?.body ?? []).reduce((count, statement) => {
    if (statement.type !== 'BlockStatement') return count + (statement.type === 'MustacheStatement' ? 1 : 0);
    const { program: then, inverse } = statement as hbs.AST.BlockStatement;
    return count + 1 + countExpressions(then) + countExpressions(inverse);
  }, 0);
}

/** Has the helpers for mail, and no others. */
const quickHandlebars = createHandlebars((helper) => helper);

/** The same, whose errors say where in the source a helper was called: looking out for them takes a tenth of the time. */
const locatingHandlebars = createHandlebars(
  (helper) =>
    function (this: unknown, ...values: unknown[]): unknown {
      try {
        return Reflect.apply(helper, this, values) as unknown;
      } catch (error) {
        const { loc } = values.at(-1) as { loc?: hbs.AST.SourceLocation };
        const located = error as LocatedError;
        located.lineNumber ??= loc?.start.line;
        located.column ??= loc?.start.column;
        throw located;
      }
    },
);

function createHandlebars(prepare: (helper: HelperDelegate) => HelperDelegate): typeof Handlebars {
  const handlebars = Handlebars.create();
  for (const name of Object.keys(handlebars.helpers)) {
    if (!(builtInHelpers as readonly string[]).includes(name)) handlebars.unregisterHelper(name);
  }
  for (const [name, helper] of Object.entries({ ...templateHelpers, ...outputGuardHelpers })) {
    handlebars.registerHelper(name, prepare(helper));
  }
  // The one whose output can be longer than what is written in its block.
  handlebars.registerHelper('each', boundedBlock(handlebars.helpers['each'] as HelperDelegate));
  return handlebars;
}

/** Handlebars' own exceptions have the two numbers. */
type LocatedError = Error & { lineNumber?: number | undefined; column?: number | undefined };

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
