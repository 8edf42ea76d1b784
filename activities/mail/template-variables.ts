/** The variables of a mail: checked against the template's schema, completed, and made safe to look names up in. */
import { z } from 'zod';
import { withoutMarks } from './html-to-text.js';
import { invalidTemplate } from './template-problem.js';
import type { JsonObject, JsonValue } from '../../workflows/contract/model.js';
import type { VariableSchema } from './check-expressions.js';
import type { TemplateParts } from './compile-template.js';

/** UTF-16 units of all texts together: many times what any mail shows. */
const maxVariableCharacters = 1024 * 1024;
/** Values of all kinds, in lists of lists too. */
const maxVariableValues = 200_000;
const maxVariableDepth = 20;

export interface Variables {
  readonly variables: VariableSchema | undefined;
  /** @throws SatchelError INVALID_TEMPLATE, also for more data than a mail can be made of */
  check(given: JsonObject): void;
  /** Gives variables that are documented but absent the value `null`. */
  complete(given: JsonObject): JsonObject;
}

/** @throws SatchelError INVALID_TEMPLATE for what is no JSON Schema */
export function readSchema(parts: TemplateParts, theme: ReadonlyMap<string, string>): Variables {
  const part = parts.schema;
  const bounded = (given: JsonObject): void => {
    const problem = tooMuch(given);
    if (problem === undefined) return;
    throw invalidTemplate(parts.template, [{ file: (part ?? parts.body).file, line: 1, message: problem }]);
  };
  if (!part) return { variables: undefined, check: bounded, complete: (given) => given };
  const fail = (line: number, message: string, cause?: unknown) =>
    invalidTemplate(parts.template, [{ file: part.file, line, message }], cause);
  let schema: VariableSchema;
  let validator: z.ZodType;
  try {
    schema = JSON.parse(part.text) as VariableSchema;
    validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    throw fail(1, `This is not a JSON Schema: ${error instanceof Error ? error.message : String(error)}.`, error);
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
    check: (given) => {
      bounded(given);
      const checked = validator.safeParse(given);
      if (!checked.success) {
        const issues = checked.error.issues.map((issue) => `${issue.path.join('.') || 'variables'}: ${issue.message}`);
        throw fail(1, `The variables given do not fit this schema: ${issues.slice(0, 5).join('; ')}.`);
      }
    },
    complete: (given) => complete(given, schema) as JsonObject,
  };
}

/** UTF-16 units of the longest text in it. */
export function longestText(value: JsonValue): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let longest = 0;
  for (const item of Object.values<JsonValue>(value)) longest = Math.max(longest, longestText(item));
  return longest;
}

function tooMuch(given: JsonObject): string | undefined {
  let characters = 0;
  let values = 0;
  const visit = (value: JsonValue, depth: number): string | undefined => {
    if (++values > maxVariableValues) return `The variables hold more than ${maxVariableValues} values.`;
    if (depth > maxVariableDepth) return `The variables are nested deeper than ${maxVariableDepth} levels.`;
    if (typeof value === 'string') characters += value.length;
    if (characters > maxVariableCharacters) {
      return `The variables hold more than ${maxVariableCharacters} characters of text.`;
    }
    if (typeof value !== 'object' || value === null) return undefined;
    for (const item of Object.values<JsonValue>(value)) {
      const problem = visit(item, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return visit(given, 0);
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

/** Has no names, only the words Handlebars needs for messages about an object. */
const contextPrototype = Object.freeze(
  Object.create(null, { [Symbol.toPrimitive]: { value: () => 'the variables here' } }) as object,
);

/**
 * Copies JSON into objects that inherit nothing, so that no name but the data's own is found, with `null` for what is
 * documented but absent, and texts without the marks that text alternatives are laid out with.
 * @param theme from `toThemeContext`
 */
export function toContext(variables: JsonObject, schema: VariableSchema | undefined, theme: ThemeContext): object {
  const context = copy(variables, schema) as Record<string, unknown>;
  context['theme'] = theme;
  return context;
}

/** The part of a context that is the same for all mails of a tenant. */
export type ThemeContext = Readonly<Record<string, string>>;

export function toThemeContext(theme: Iterable<readonly [name: string, value: string]>): ThemeContext {
  return copy(Object.fromEntries(theme), undefined) as ThemeContext;
}

function copy(value: JsonValue, schema: VariableSchema | undefined): unknown {
  if (typeof value === 'string') return withoutMarks(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copy(item, schema?.items));
  const context = Object.create(contextPrototype) as Record<string, unknown>;
  const documented: Readonly<Record<string, VariableSchema>> = schema?.properties ?? {};
  for (const name in documented) context[name] = null;
  for (const name of Object.keys(value)) context[withoutMarks(name)] = copy(value[name] ?? null, documented[name]);
  return context;
}
