/**
 * From the parts of a template to a function that renders it: partials and theme flattened, expressions checked, MJML
 * compiled, Handlebars compiled. All of it once per version of the parts; a mail is then a function call.
 */
import { createHash } from 'node:crypto';
import Handlebars from 'handlebars';
import { z } from 'zod';
import { checkExpressions } from './check-expressions.js';
import { compileMjml, findTitle, replaceRange } from './compile-mjml.js';
import { flattenTemplate } from './flatten-template.js';
import { decodeEntities, htmlToText } from './html-to-text.js';
import { offsetOf } from './mapped-text.js';
import { builtInHelpers, templateHelpers } from './template-helpers.js';
import { invalidTemplate, isNonEmpty } from './template-problem.js';
import type { JsonObject, JsonValue } from '../../workflows/contract/model.js';
import type { VariableSchema } from './check-expressions.js';
import type { FlatTemplate } from './flatten-template.js';
import type { MailLayers } from './mailer.js';
import type { TemplateFile, TemplateProblem } from './template-problem.js';

/** A part with the label of the layer it came from. */
export interface TemplatePart extends TemplateFile {
  readonly layer: string;
}

export interface ThemeProperty {
  readonly value: string;
  readonly layer: string;
}

/** Everything one mail is made of, for one template, tenant and locale. */
export interface TemplateParts {
  readonly template: string;
  readonly locale: string;
  readonly body: TemplatePart;
  readonly partials: ReadonlyMap<string, TemplatePart>;
  readonly theme: ReadonlyMap<string, ThemeProperty>;
  /** Overrides the body's `<mj-title>`. */
  readonly subject: TemplatePart | undefined;
  /** The text alternative; else it is made from the HTML. */
  readonly text: TemplatePart | undefined;
  /** JSON Schema of the variables. */
  readonly schema: TemplatePart | undefined;
}

export interface CompiledTemplate {
  readonly locale: string;
  readonly layers: MailLayers;
  /** SHA-256 over the parts that are used. */
  readonly version: string;
  /** @throws SatchelError INVALID_TEMPLATE for variables that do not fit and output beyond the bound */
  render(variables: JsonObject): { readonly subject: string; readonly html: string; readonly text: string };
}

/** UTF-16 units of each body part; a mail near it shows nowhere well, and more is a mistake in a template. */
export const maxRenderedCharacters = 1024 * 1024;
const maxSubjectCharacters = 255;

/** @throws SatchelError INVALID_TEMPLATE with all problems of the first stage that has any */
export async function compileTemplate(parts: TemplateParts): Promise<CompiledTemplate> {
  const refuse = (problems: readonly TemplateProblem[]) => {
    if (isNonEmpty(problems)) throw invalidTemplate(parts.template, problems);
  };
  const theme = new Map([...parts.theme].map(([name, { value }]) => [name, value]));
  const schema = readSchema(parts, theme);

  const flat = flattenTemplate(parts.body, parts.partials, theme);
  refuse(flat.problems);
  refuse(checkExpressions(flat, schema.variables));

  const title = findTitle(flat);
  if (!parts.subject && !title) {
    const message = 'There is no subject: write <mj-title> into <mj-head>, or a property of the node "subject".';
    throw invalidTemplate(parts.template, [{ file: parts.body.file, line: 1, message }]);
  }
  const [subjectFlat, textFlat] = [parts.subject, parts.text].map((part) => {
    const plain = part && flattenTemplate(part, new Map(), theme, 'text');
    refuse(plain?.problems ?? []);
    refuse(plain ? checkExpressions(plain, schema.variables) : []);
    return plain;
  });

  // The page title follows the subject, wherever that came from.
  const mjml = await compileMjml(title ? replaceRange(flat, title.start, title.end, '{{@subject}}') : flat);
  refuse(mjml.problems);

  const html = compileHandlebars(parts.template, mjml.html, mjml.problemAt, true);
  const subject = subjectFlat
    ? compileHandlebars(parts.template, subjectFlat.text, problemIn(subjectFlat), false)
    : compileHandlebars(
        parts.template,
        decodeEntities(title?.text ?? ''),
        (_line, _column, message) => flat.problemAt(title?.start ?? 0, message),
        false,
      );
  const text = textFlat && compileHandlebars(parts.template, textFlat.text, problemIn(textFlat), false);

  return {
    locale: parts.locale,
    layers: layersOf(parts, flat.partials),
    version: versionOf(parts, flat.partials),
    render: (given) => {
      const variables = toContext(schema.complete(given), Object.fromEntries(theme));
      const line = toHeaderLine(subject(variables, { locale: parts.locale }));
      if (line === '') {
        const { file } = parts.subject ?? parts.body;
        throw invalidTemplate(parts.template, [
          { file, line: 1, message: 'The subject is empty with these variables.' },
        ]);
      }
      const rendered = html(variables, { locale: parts.locale, subject: line });
      return {
        subject: line,
        html: rendered,
        text: text ? text(variables, { locale: parts.locale, subject: line }) : htmlToText(rendered),
      };
    },
  };
}

function problemIn(flat: FlatTemplate): (line: number, column: number, message: string) => TemplateProblem {
  return (line, column, message) => flat.problemAt(offsetOf(flat.text, line, column), message);
}

type Render = (context: object, data: { readonly locale: string; readonly subject?: string }) => string;

function compileHandlebars(
  template: string,
  source: string,
  problemAt: (line: number, column: number, message: string) => TemplateProblem,
  escape: boolean,
): Render {
  const fail = (line: number, column: number, message: string, cause?: unknown) =>
    invalidTemplate(template, [problemAt(line, column, message)], cause);
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(source);
  } catch (error) {
    throw fail(1, 0, `After MJML, Handlebars does not parse this any more: ${messageOf(error)}`, error);
  }
  const handlebars = createHandlebars();
  const render = handlebars.compile<object>(program, {
    strict: true,
    noEscape: !escape,
    knownHelpersOnly: true,
    knownHelpers: Object.fromEntries(Object.keys(handlebars.helpers).map((name) => [name, true])),
    preventIndent: true,
  });
  return (context, data) => {
    let output: string;
    try {
      output = render(context, {
        data,
        allowProtoMethodsByDefault: false,
        allowProtoPropertiesByDefault: false,
      });
    } catch (error) {
      const { lineNumber = 1, column = 0 } = error as LocatedError;
      throw fail(lineNumber, column, `This does not render: ${messageOf(error).replace(/ - \d+:\d+$/, '')}.`, error);
    }
    if (output.length > maxRenderedCharacters) {
      throw fail(1, 0, `The mail is ${output.length} characters long; at most ${maxRenderedCharacters} are sent.`);
    }
    return output;
  };
}

/** An environment of its own with the helpers for mail, whose errors say where in the source they were called. */
function createHandlebars(): typeof Handlebars {
  const handlebars = Handlebars.create();
  for (const name of Object.keys(handlebars.helpers)) {
    if (!(builtInHelpers as readonly string[]).includes(name)) handlebars.unregisterHelper(name);
  }
  for (const [name, helper] of Object.entries(templateHelpers)) {
    handlebars.registerHelper(name, function (this: unknown, ...values: unknown[]): unknown {
      try {
        return Reflect.apply(helper, this, values) as unknown;
      } catch (error) {
        const { loc } = values.at(-1) as { loc?: hbs.AST.SourceLocation };
        const located = error as LocatedError;
        located.lineNumber ??= loc?.start.line;
        located.column ??= loc?.start.column;
        throw located;
      }
    });
  }
  return handlebars;
}

/** Handlebars' own exceptions have the two numbers. */
type LocatedError = Error & { lineNumber?: number | undefined; column?: number | undefined };

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A header is one line: what would start a second one, or is not to be seen, becomes a blank. */
export function toHeaderLine(text: string): string {
  const line = text
    .toWellFormed()
    // U+0085, U+2028 and U+2029 break lines for some readers, too.
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  // Cut between code points, never within one.
  return line.length <= maxSubjectCharacters
    ? line
    : `${line
        .slice(0, maxSubjectCharacters - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, '')}…`;
}

/** Has no names, only the words Handlebars needs for messages about an object. */
const contextPrototype = Object.freeze(
  Object.create(null, { [Symbol.toPrimitive]: { value: () => 'the variables here' } }) as object,
);

/** Copies JSON into objects that inherit nothing, so that no name but the data's own is found. */
function toContext(variables: JsonObject, theme: JsonObject): object {
  const copy = (value: JsonValue): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null) return value;
    const context = Object.create(contextPrototype) as object;
    return Object.assign(context, Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item)])));
  };
  return copy({ ...variables, theme }) as object;
}

interface Variables {
  readonly variables: VariableSchema | undefined;
  /** Checks variables and gives those that are documented but absent the value `null`. */
  complete(given: JsonObject): JsonObject;
}

function readSchema(parts: TemplateParts, theme: ReadonlyMap<string, string>): Variables {
  const part = parts.schema;
  if (!part) return { variables: undefined, complete: (given) => given };
  const fail = (line: number, message: string, cause?: unknown) =>
    invalidTemplate(parts.template, [{ file: part.file, line, message }], cause);
  let schema: VariableSchema;
  let validator: z.ZodType;
  try {
    schema = JSON.parse(part.text) as VariableSchema;
    validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    throw fail(1, `This is not a JSON Schema: ${messageOf(error)}.`, error);
  }
  return {
    variables: {
      ...schema,
      properties: {
        ...schema.properties,
        theme: {
          type: 'object',
          properties: Object.fromEntries([...theme.keys()].map((name) => [name, { type: 'string' }])),
        },
      },
    },
    complete: (given) => {
      const checked = validator.safeParse(given);
      if (!checked.success) {
        const issues = checked.error.issues.map((issue) => `${issue.path.join('.') || 'variables'}: ${issue.message}`);
        throw fail(1, `The variables given do not fit this schema: ${issues.slice(0, 5).join('; ')}.`);
      }
      return complete(given, schema) as JsonObject;
    },
  };
}

function complete(value: JsonValue, schema: VariableSchema | undefined): JsonValue {
  if (!schema) return value;
  if (Array.isArray(value)) return value.map((item) => complete(item, schema.items));
  if (typeof value !== 'object' || value === null) return value;
  const missing = Object.keys(schema.properties ?? {}).map((name): [string, JsonValue] => [name, null]);
  const present = Object.entries(value).map(([name, item]): [string, JsonValue] => [
    name,
    complete(item, schema.properties?.[name]),
  ]);
  return Object.fromEntries([...missing, ...present]);
}

function layersOf(parts: TemplateParts, usedPartials: readonly string[]): MailLayers {
  const layers: Record<string, string> = {
    subject: (parts.subject ?? parts.body).layer,
    body: parts.body.layer,
    text: (parts.text ?? parts.body).layer,
  };
  for (const name of usedPartials) layers[`partials/${name}`] = parts.partials.get(name)?.layer ?? '';
  for (const [name, { layer }] of parts.theme) layers[`theme.${name}`] = layer;
  return layers;
}

function versionOf(parts: TemplateParts, usedPartials: readonly string[]): string {
  const content = [
    parts.locale,
    parts.body.text,
    usedPartials.toSorted().map((name) => [name, parts.partials.get(name)?.text]),
    [...parts.theme].map(([name, { value }]) => [name, value]).sort(),
    parts.subject?.text,
    parts.text?.text,
    parts.schema?.text,
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
