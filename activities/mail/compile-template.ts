/**
 * From the parts of a template to a function that renders it: partials and theme flattened, expressions checked, MJML
 * compiled, Handlebars compiled. All of it once per version of the parts; a mail is then a function call.
 */
import { createHash } from 'node:crypto';
import { SatchelError } from '../../workflows/contract/errors.js';
import { checkExpressions } from './check-expressions.js';
import { compileProgram, parseHandlebars } from './compile-handlebars.js';
import { compileLegacy } from './compile-legacy.js';
import { compileMjml, findTitle, replaceRange } from './compile-mjml.js';
import { flattenTemplate } from './flatten-template.js';
import { guardOutput } from './guard-output.js';
import { toHeaderLine } from './header-line.js';
import { decodeEntities, htmlToText, layOut } from './html-to-text.js';
import { canBeLater, canStandIn, fillIn, takeOutTheme } from './later-theme.js';
import { isLegacyTemplate } from './legacy-template.js';
import { offsetOf } from './mapped-text.js';
import { invalidTemplate, isNonEmpty } from './template-problem.js';
import { textProgram } from './text-program.js';
import { longestText, readSchema, toContext, toThemeContext } from './template-variables.js';
import { themeRemarks } from './theme-contrast.js';
import type { ProblemAt, Render } from './compile-handlebars.js';
import type { JsonObject } from '../../workflows/contract/model.js';
import type { FlatTemplate } from './flatten-template.js';
import type { Marked } from './guard-output.js';
import type { LaterTheme, LaterValue } from './later-theme.js';
import type { MailLayers } from './mailer.js';
import type { TemplateFile, TemplateProblem } from './template-problem.js';
import type { ThemeContext } from './template-variables.js';

export { toHeaderLine } from './header-line.js';
export { maxRenderedCharacters } from './render-budget.js';

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
  /** MJML, or a text template of AEM's (legacy-template.ts). */
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

/** How pictures of the repository get to the reader, by their paths. */
export interface MailImages {
  /** Address of a picture for `src`; empty where there is none to show. */
  address(path: string): string;
}

export interface RenderOptions {
  /** Of dates: an IANA name. Default UTC. */
  readonly timeZone?: string | undefined;
  /** Where people reach the installation, without a slash at the end: `${host.prefix}` of AEM's templates. */
  readonly host?: string | undefined;
  /** Of the mail. Default: now. */
  readonly now?: Date | undefined;
  /** Without it no picture of the repository is shown. */
  readonly images?: MailImages | undefined;
}

export interface RenderedParts {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** What an author should know, and nobody is kept from sending for. */
  readonly remarks: readonly TemplateProblem[];
}

export interface CompiledTemplate {
  readonly locale: string;
  readonly layers: MailLayers;
  /** SHA-256 over the parts that are used. */
  readonly version: string;
  /** @throws SatchelError INVALID_TEMPLATE for variables that do not fit and output beyond the bound */
  render(variables: JsonObject, options?: RenderOptions): RenderedParts;
}

export type TemplateTheme = TemplateParts['theme'];

/** What was compiled for one theme, and holds for all that differ only in values which are filled in afterwards. */
export interface SharedTemplate {
  fits(theme: TemplateTheme): boolean;
  /** @param theme one that fits */
  bind(theme: TemplateTheme): CompiledTemplate;
}

/** @throws SatchelError INVALID_TEMPLATE with all problems of the first stage that has any */
export async function compileTemplate(parts: TemplateParts): Promise<CompiledTemplate> {
  return (await shareTemplate(parts)).bind(parts.theme);
}

/** @throws as `compileTemplate` */
export async function shareTemplate(parts: TemplateParts): Promise<SharedTemplate> {
  const theme = valuesOf(parts.theme);
  const schema = readSchema(parts, theme);
  const programs = isLegacyTemplate(parts.body.text)
    ? compileLegacyText({ ...parts, text: undefined }, schema, theme)
    : await compileForThemes(parts, schema, theme);
  const { partials, fixedTheme, laterTheme } = programs;
  const content = contentHash(programs.parts, partials);
  return {
    fits: (other) =>
      other.size === theme.size &&
      [...theme].every(([name, value]) => {
        const otherValue = other.get(name)?.value;
        if (otherValue === undefined || otherValue === value) return otherValue === value;
        const uses = [...(laterTheme.get(name) ?? [])];
        return !fixedTheme.has(name) && uses.every((use) => canBeLater(use, otherValue));
      }),
    bind: (own) => {
      const values = valuesOf(own);
      const bound = { context: toThemeContext(values), ...programs.shownWith(values) };
      const themed = programs.remarksOn(own);
      return {
        locale: parts.locale,
        layers: layersOf({ ...programs.parts, theme: own }, partials),
        version: sha256([content, [...values].sort()]),
        render: (given, options = {}) => {
          schema.check(given);
          const { remarks, ...drawn } = programs.draw(given, bound, options);
          return { ...drawn, remarks: [...themed, ...remarks] };
        },
      };
    },
  };
}

const valuesOf = (theme: TemplateTheme): Map<string, string> =>
  new Map([...theme].map(([name, { value }]) => [name, value]));

type Schema = ReturnType<typeof readSchema>;

interface Programs {
  /** Those that count. */
  readonly parts: TemplateParts;
  /** Names of the partials that are used. */
  readonly partials: readonly string[];
  /** See `FlatTemplate`. */
  readonly fixedTheme: ReadonlySet<string>;
  readonly laterTheme: LaterTheme;
  remarksOn(theme: TemplateTheme): readonly TemplateProblem[];
  shownWith(theme: ReadonlyMap<string, string>): ShownTheme;
  draw(given: JsonObject, theme: BoundTheme, options: RenderOptions): RenderedParts;
}

/** Texts with values of a theme (later-theme.ts), for the HTML and for the text made from it. */
interface ShownTheme {
  readonly shown: readonly string[];
  readonly shownText: readonly string[];
}

interface BoundTheme extends ShownTheme {
  readonly context: ThemeContext;
}

/** For as many themes as possible; where leaving values for later would make a difference, or finds fault, for this one. */
async function compileForThemes(
  parts: TemplateParts,
  schema: Schema,
  theme: ReadonlyMap<string, string>,
): Promise<Programs> {
  try {
    const { isFaithful, ...programs } = await compilePrograms(parts, schema, theme, true);
    if (isFaithful) return programs;
  } catch (error) {
    if (!(error instanceof SatchelError && error.code === 'INVALID_TEMPLATE')) throw error;
  }
  return compilePrograms(parts, schema, theme, false);
}

async function compilePrograms(
  parts: TemplateParts,
  schema: Schema,
  theme: ReadonlyMap<string, string>,
  leavesTheme: boolean,
): Promise<Programs & { readonly isFaithful: boolean }> {
  const refuse = (problems: readonly TemplateProblem[]) => {
    if (isNonEmpty(problems)) throw invalidTemplate(parts.template, problems);
  };
  const flat = flattenTemplate(parts.body, parts.partials, theme, { leavesTheme });
  refuse(flat.problems);
  refuse(checkExpressions(flat, schema.variables));

  const title = findTitle(flat);
  if (!parts.subject && !title) {
    const message = 'There is no subject: write <mj-title> into <mj-head>, or a property of the node "subject".';
    throw invalidTemplate(parts.template, [{ file: parts.body.file, line: 1, message }]);
  }
  const textFlat = parts.text && plainPart(parts, parts.text, schema, theme, leavesTheme);
  const subjectFlat = parts.subject && plainPart(parts, parts.subject, schema, theme, leavesTheme);

  // The page title follows the subject, wherever that came from.
  const mjml = await compileMjml(title ? replaceRange(flat, title.start, title.end, '{{@subject}}') : flat);
  refuse(mjml.problems);

  const program = parseHandlebars(parts.template, mjml.html, mjml.problemAt);
  let isFaithful = true;
  const { names, pattern } = mjml.standIns;
  const checkPlace: Marked['found'] = (standIn, context) => {
    const uses = flat.laterTheme.get(names.get(standIn) ?? '');
    if (uses && !canStandIn(uses, context)) isFaithful = false;
  };
  refuse(outputProblems(program, flat, mjml.problemAt, { pattern, found: checkPlace }));
  const ownText = textFlat ? undefined : textProgram(program);
  const segments = takeOutTheme(program, mjml.standIns);
  const textSegments = ownText ? takeOutTheme(ownText, mjml.standIns) : [];
  const html = compileProgram(parts.template, program, mjml.problemAt);
  const subject = subjectFlat
    ? compilePlain(parts.template, subjectFlat)
    : compileText(parts.template, decodeEntities(title?.text ?? ''), (_line, _column, message) =>
        flat.problemAt(title?.start ?? 0, message),
      );
  const text = textFlat && compilePlain(parts.template, textFlat);
  const layout = ownText && compileProgram(parts.template, ownText, mjml.problemAt, { noEscape: true });
  const used = [flat, textFlat, subjectFlat].filter((one) => one !== undefined);

  return {
    parts,
    partials: flat.partials,
    fixedTheme: new Set(used.flatMap(({ fixedTheme }) => [...fixedTheme])),
    laterTheme: laterThemeOf(used),
    isFaithful,
    remarksOn: (own) => themeRemarks(own, parts.body.file),
    shownWith: (values) => ({
      shown: fillIn(segments, values, { escape: true }),
      shownText: fillIn(textSegments, values, { escape: false }),
    }),
    draw: (given, { context, shown, shownText }, { timeZone = 'UTC', images }) => {
      const variables = toContext(given, schema.variables, context);
      const longest = longestText(given);
      const line = subjectLine(parts, subject(variables, { locale: parts.locale, timeZone, images, longest }));
      const data = { locale: parts.locale, timeZone, images, longest, subject: line, shown };
      const rendered = html(variables, data);
      return {
        subject: line,
        html: rendered,
        text:
          text?.(variables, data) ??
          (layout ? layOut(layout(variables, { ...data, shown: shownText })) : htmlToText(rendered)),
        remarks: [],
      };
    },
  };
}

function laterThemeOf(flats: readonly FlatTemplate[]): LaterTheme {
  const later = new Map<string, ReadonlySet<LaterValue>>();
  for (const [name, uses] of flats.flatMap(({ laterTheme }) => [...laterTheme])) {
    later.set(name, new Set([...(later.get(name) ?? []), ...uses]));
  }
  return later;
}

/** A text template of AEM's; a subject node above it counts in place of its own subject. */
function compileLegacyText(parts: TemplateParts, schema: Schema, theme: ReadonlyMap<string, string>): Programs {
  const render = compileLegacy(parts, schema, theme);
  const subject = parts.subject && compilePlain(parts.template, plainPart(parts, parts.subject, schema, theme, false));
  return {
    parts,
    partials: [],
    fixedTheme: new Set(theme.keys()),
    laterTheme: new Map(),
    remarksOn: () => [],
    shownWith: () => ({ shown: [], shownText: [] }),
    draw: (given, { context }, { timeZone = 'UTC', now = new Date(), images, host }) => {
      const completed = schema.complete(given);
      const line =
        subject &&
        subjectLine(
          parts,
          subject(toContext(given, schema.variables, context), {
            locale: parts.locale,
            timeZone,
            images,
            longest: longestText(completed),
          }),
        );
      return render(completed, { timeZone, now, host }, line);
    },
  };
}

function subjectLine(parts: TemplateParts, text: string): string {
  const line = toHeaderLine(text);
  if (line !== '') return line;
  const { file } = parts.subject ?? parts.body;
  throw invalidTemplate(parts.template, [{ file, line: 1, message: 'The subject is empty with these variables.' }]);
}

/** A part that is plain text: no partials, nothing to escape. @throws SatchelError INVALID_TEMPLATE */
function plainPart(
  parts: TemplateParts,
  part: TemplatePart,
  schema: Schema,
  theme: ReadonlyMap<string, string>,
  leavesTheme: boolean,
): FlatTemplate {
  const flat = flattenTemplate(part, new Map(), theme, { format: 'text', leavesTheme });
  for (const problems of [flat.problems, checkExpressions(flat, schema.variables)]) {
    if (isNonEmpty(problems)) throw invalidTemplate(parts.template, problems);
  }
  return flat;
}

function compilePlain(template: string, flat: FlatTemplate): Render {
  return compileText(template, flat.text, problemIn(flat));
}

function problemIn(flat: FlatTemplate): ProblemAt {
  return (line, column, message) => flat.problemAt(offsetOf(flat.text, line, column), message);
}

/** A template of plain text: nothing to escape. */
function compileText(template: string, source: string, problemAt: ProblemAt): Render {
  return compileProgram(template, parseHandlebars(template, source, problemAt), problemAt, { noEscape: true });
}

/** Active content, and expressions where nothing escapes them; expressions of the program are guarded in place. */
function outputProblems(
  program: hbs.AST.Program,
  flat: FlatTemplate,
  problemAt: ProblemAt,
  marked: Marked,
): TemplateProblem[] {
  return guardOutput(program, marked).map(({ node, written, message }) => {
    if (node) return problemAt(node.loc.start.line, node.loc.start.column, message);
    // MJML writes things anew, so the place is where the template has the same words.
    const at = flat.text.toLowerCase().indexOf((written ?? '').toLowerCase());
    return flat.problemAt(Math.max(at, 0), message);
  });
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

/** Of all that is used but the theme. */
function contentHash(parts: TemplateParts, usedPartials: readonly string[]): string {
  return sha256([
    parts.locale,
    parts.body.text,
    usedPartials.toSorted().map((name) => [name, parts.partials.get(name)?.text]),
    parts.subject?.text,
    parts.text?.text,
    parts.schema?.text,
  ]);
}

function sha256(content: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
