/**
 * Finds the parts of a template in the repository: each from the topmost layer that has it, for one tenant and locale.
 *
 *     settings/dam/workflow/notification/email
 *       theme                      node; one property can be overridden alone (theme.json: the same as a file)
 *       partials/header.mjml       shared
 *       downloadasset
 *         en.mjml  de.mjml  de.txt text is optional
 *         fr.txt                   a text template of AEM's (legacy-template.ts) is a body, too
 *         subject                  node; properties named by locale, or "default"
 *         partials/  theme         win over the shared ones
 *         sample.json  variables.schema.json
 */
import { createHash } from 'node:crypto';
import { SatchelError } from '../../workflows/contract/errors.js';
import { isLegacyTemplate, parseLegacyTemplate } from './legacy-template.js';
import { canonicalLocale, languageOf, localeFallbacks, narrowing } from './locale-fallback.js';
import { invalidTemplate } from './template-problem.js';
import type { Session } from '../../repository/api.js';
import type { Layer, MergedResource, OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import type { BinaryValue, Value } from '../../repository/value.js';
import type { JsonObject } from '../../workflows/contract/model.js';
import type { TemplatePart, TemplateParts, ThemeProperty } from './compile-template.js';

/** Below the settings of every layer. */
export const templatesPath = 'dam/workflow/notification/email';

/** One file of a template; more is a mistake. */
const maxFileBytes = 256 * 1024;
const maxSampleBytes = 1024 * 1024;

/** The parts of a template that were found, not read yet. */
export interface LocatedTemplate {
  readonly locale: string;
  /** The same key means the same parts: what was compiled for it still holds. */
  readonly key: string;
  /** The same for templates that differ in the values of their themes alone. */
  readonly sharedKey: string;
  readonly theme: ReadonlyMap<string, ThemeProperty>;
  readonly read: (session: Session) => Promise<TemplateParts>;
}

interface FilePart {
  readonly file: string;
  readonly layer: string;
  readonly content: BinaryValue | string;
}

/** What is asked for when a template is located. */
export interface TemplateRequest {
  readonly tenant: Tenant;
  readonly template: string;
  /** Falls back to the tenant's own and `en`. */
  readonly locale: string | undefined;
  readonly tenantLocale: string | undefined;
}

/**
 * By the resource that the templates were found in, which the overlay keeps until something in it, or who may read it,
 * changes. Locales are what people have in their profiles, so only some are kept.
 */
const known = new WeakMap<MergedResource, Map<string, LocatedTemplate>>();
const maxKnown = 200;

/** @throws SatchelError UNKNOWN_TEMPLATE, also when no locale of the order has a body */
export async function locateTemplate(
  session: Session,
  overlay: OverlayResolver,
  request: TemplateRequest,
): Promise<LocatedTemplate> {
  const { tenant, template, locale, tenantLocale } = request;
  const resources = await templateResources(session, overlay, tenant, template);
  let templates = known.get(resources.shared);
  if (!templates) known.set(resources.shared, (templates = new Map<string, LocatedTemplate>()));
  const key = `${tenant.root}\0${template}\0${locale ?? ''}\0${tenantLocale ?? ''}`;
  const found = templates.get(key);
  if (found) return found;
  const located = await locateIn(resources, session, overlay, request);
  if (templates.size >= maxKnown) templates.clear();
  templates.set(key, located);
  return located;
}

async function locateIn(
  { shared, own }: { readonly shared: MergedResource; readonly own: MergedResource },
  session: Session,
  overlay: OverlayResolver,
  { tenant, template, locale: wanted, tenantLocale }: TemplateRequest,
): Promise<LocatedTemplate> {
  const layers = overlay.settingsLayers(tenant);
  const rank = ({ layer }: FilePart) => layers.findIndex(({ label }) => label === layer);
  const bodies = await availableBodies(session, template, own);
  const locale = localeFallbacks(wanted, tenantLocale).find((candidate) => bodies.has(candidate));
  const found = locale === undefined ? undefined : bodies.get(locale);
  // The topmost layer has it; in one layer MJML counts before a text template.
  const body =
    found?.mjml && found.legacy
      ? rank(found.mjml) <= rank(found.legacy)
        ? found.mjml
        : found.legacy
      : (found?.mjml ?? found?.legacy);
  if (locale === undefined || !found || !body) {
    throw new SatchelError(
      'UNKNOWN_TEMPLATE',
      `The e-mail template "${template}" has no ${wanted ?? 'en'}.mjml for ${tenant.root}, nor one of its fallbacks; ` +
        `it has: ${[...bodies.keys()].join(', ') || 'none'}.`,
      { details: { template, tenant: tenant.name, locale: wanted ?? null } },
    );
  }

  // A body that was overridden says something else than the text below it.
  const text = body === found.mjml ? found.text : undefined;
  const textFits = text !== undefined && rank(text) <= rank(body);
  const partials = new Map([...partialParts(shared), ...partialParts(own)]);
  const theme = new Map([...(await themeOf(session, shared, layers)), ...(await themeOf(session, own, layers))]);
  const subject = subjectPart(own, wanted, locale);
  const subjectIsBelow = subject !== undefined && rank(subject) > rank(body);
  const schema = filePart(own, 'variables.schema.json');

  const fingerprint = (part: FilePart | undefined) =>
    part && [part.file, part.layer, typeof part.content === 'string' ? part.content : part.content.sha256];
  const hash = (content: readonly unknown[]) => createHash('sha256').update(JSON.stringify(content)).digest('hex');
  const sharedKey = hash([
    template,
    locale,
    [body, textFits ? text : undefined, subject, schema].map(fingerprint),
    [...partials].map(([name, part]) => [name, fingerprint(part)]),
  ]);

  return {
    locale,
    key: hash([sharedKey, [...theme]]),
    sharedKey,
    theme,
    read: async (reader) => {
      const read = (part: FilePart) => readPart(reader, template, part);
      const bodyPart = await read(body);
      return {
        template,
        locale,
        body: bodyPart,
        partials: new Map(
          await Promise.all(
            [...partials].map(async ([name, part]): Promise<[string, TemplatePart]> => [name, await read(part)]),
          ),
        ),
        theme,
        // Nor does a body with a subject of its own take one from below.
        subject: subject && !(subjectIsBelow && hasSubject(bodyPart)) ? await read(subject) : undefined,
        text: textFits ? await read(text) : undefined,
        schema: schema && (await read(schema)),
      };
    },
  };
}

/** Names of the templates a tenant sees. */
export async function listTemplates(session: Session, overlay: OverlayResolver, tenant: Tenant): Promise<string[]> {
  const shared = await overlay.settings(session, tenant, templatesPath);
  return templateNames(session, shared);
}

/** Locales a template has a body for, as the tenant sees it. */
export async function templateLocales(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
): Promise<string[]> {
  const { own } = await templateResources(session, overlay, tenant, template);
  return [...(await availableBodies(session, template, own)).keys()];
}

/** The variables of `sample.json`, for previews and checks; empty without one. @throws SatchelError INVALID_TEMPLATE */
export async function loadSampleVariables(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
): Promise<JsonObject> {
  return (await loadSample(session, overlay, tenant, template)).variables;
}

/** @returns `key`: the same key means the same variables @throws as `loadSampleVariables` */
export async function loadSample(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
): Promise<{ readonly variables: JsonObject; readonly key: string }> {
  const { own } = await templateResources(session, overlay, tenant, template);
  const part = filePart(own, 'sample.json');
  if (!part) return { variables: {}, key: '' };
  const { text } = await readPart(session, template, part, maxSampleBytes);
  const key = createHash('sha256').update(text).digest('hex');
  return { variables: parseJsonObject(text, template, part.file), key };
}

async function templateResources(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
): Promise<{ shared: MergedResource; own: MergedResource }> {
  const shared = await overlay.settings(session, tenant, templatesPath);
  const own = shared?.child(template);
  if (shared && own) return { shared, own };
  throw new SatchelError(
    'UNKNOWN_TEMPLATE',
    `There is no e-mail template "${template}" at settings/${templatesPath} for ${tenant.root} ` +
      `(known: ${(await templateNames(session, shared)).join(', ') || 'none'}).`,
    { details: { template, tenant: tenant.name } },
  );
}

async function templateNames(session: Session, shared: MergedResource | undefined): Promise<string[]> {
  const names: string[] = [];
  for (const child of shared?.children ?? []) {
    // The shared partials lie beside the templates, and some of their names look like locales.
    if (child.name === 'partials') continue;
    if ((await availableBodies(session, child.name, child)).size > 0) names.push(child.name);
  }
  return names;
}

/** What a template has for one locale; at least one of the bodies. */
interface LocaleFiles {
  readonly mjml?: FilePart;
  readonly legacy?: FilePart;
  /** The text part of `mjml`. */
  readonly text?: FilePart;
}

/** By canonical locale, those with a body. */
async function availableBodies(
  session: Session,
  template: string,
  own: MergedResource,
): Promise<ReadonlyMap<string, LocaleFiles>> {
  const files = new Map<string, LocaleFiles>();
  for (const { name } of own.children) {
    const [, stem, ending] = /^(.+)\.(mjml|txt)$/.exec(name) ?? [];
    const locale = canonicalLocale(stem);
    const part = locale === undefined ? undefined : filePart(own, name);
    if (locale === undefined || !part) continue;
    const kind = ending === 'mjml' ? 'mjml' : (await isLegacyPart(session, template, part)) ? 'legacy' : 'text';
    files.set(locale, { ...files.get(locale), [kind]: part });
  }
  return new Map([...files].filter(([, { mjml, legacy }]) => mjml !== undefined || legacy !== undefined));
}

/** What text files are, by their SHA-256: a mail need not read one to see that it is none of AEM's. */
const knownTextFiles = new Map<string, boolean>();
const maxKnownTextFiles = 10_000;

async function isLegacyPart(session: Session, template: string, part: FilePart): Promise<boolean> {
  if (typeof part.content === 'string') return isLegacyTemplate(part.content);
  const key = part.content.sha256;
  const known = knownTextFiles.get(key);
  if (known !== undefined) return known;
  const isLegacy = isLegacyTemplate((await readPart(session, template, part)).text);
  if (knownTextFiles.size >= maxKnownTextFiles) knownTextFiles.clear();
  knownTextFiles.set(key, isLegacy);
  return isLegacy;
}

/** Whether a body says its subject itself. */
function hasSubject(body: TemplatePart): boolean {
  return isLegacyTemplate(body.text) ? parseLegacyTemplate(body).subject !== '' : /<mj-title\b/i.test(body.text);
}

function filePart(parent: MergedResource, name: string): FilePart | undefined {
  const data = parent.child(name)?.child('jcr:content')?.properties.get('jcr:data');
  const value = data?.property.values[0];
  if (!data || value === undefined) return undefined;
  const content = isBinary(value) ? value : String(value);
  return { file: data.source.replace(/\/jcr:content$/, ''), layer: data.layer, content };
}

function isBinary(value: Value): value is BinaryValue {
  return typeof value === 'object';
}

function partialParts(parent: MergedResource): [string, FilePart][] {
  const partials = parent.child('partials');
  return (partials?.children ?? []).flatMap(({ name }): [string, FilePart][] => {
    const part = partials && name.endsWith('.mjml') ? filePart(partials, name) : undefined;
    return part ? [[name.slice(0, -'.mjml'.length), part]] : [];
  });
}

/** The subject node's property for the wanted locale, as far as its language is the body's; else `default`. */
function subjectPart(template: MergedResource, wanted: string | undefined, locale: string): FilePart | undefined {
  const subject = template.child('subject');
  const ofLanguage = narrowing(wanted).filter((candidate) => languageOf(candidate) === languageOf(locale));
  for (const name of [...ofLanguage, ...narrowing(locale), 'default']) {
    const found = subject?.properties.get(name) ?? subject?.properties.get(name.replaceAll('-', '_'));
    const value = found?.property.values[0];
    if (found && typeof value === 'string') {
      return { file: `${found.source}/${name}`, layer: found.layer, content: value };
    }
  }
  return undefined;
}

/** Properties of `theme`; a `theme.json` counts at its own layer, below the node's properties there. */
async function themeOf(
  session: Session,
  parent: MergedResource,
  layers: readonly Layer[],
): Promise<Map<string, ThemeProperty>> {
  const node = parent.child('theme');
  const theme = new Map<string, ThemeProperty>();
  const file = parent.child('theme.json');
  for (const layer of layers.toReversed()) {
    if (file?.layers.includes(layer.label)) {
      for (const [name, value] of await themeFile(session, `${layer.root}/${file.path}`)) {
        theme.set(name, { value, layer: layer.label });
      }
    }
    for (const [name, { property, layer: owner }] of node?.properties ?? []) {
      const [value] = property.values;
      if (owner !== layer.label || name.includes(':') || value === undefined || isBinary(value)) continue;
      theme.set(name, { value: String(value), layer: owner });
    }
  }
  return theme;
}

async function themeFile(session: Session, path: string): Promise<[string, string][]> {
  const data = (await session.findNode(`${path}/jcr:content`))?.binary('jcr:data');
  if (!data) return [];
  const text = new TextDecoder().decode(await session.readBinary(data, maxFileBytes));
  return Object.entries(parseJsonObject(text, 'theme', path)).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
  );
}

function parseJsonObject(text: string, template: string, file: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
    throw new SyntaxError('it is not an object');
  } catch (error) {
    const message = `This is not JSON with an object: ${error instanceof Error ? error.message : String(error)}.`;
    throw invalidTemplate(template, [{ file, line: 1, message }], error);
  }
}

async function readPart(
  session: Session,
  template: string,
  { file, layer, content }: FilePart,
  maxBytes = maxFileBytes,
): Promise<TemplatePart> {
  if (typeof content === 'string') return { file, layer, text: content };
  if (content.size > maxBytes) {
    const message = `The file has ${content.size} bytes; at most ${maxBytes} are allowed.`;
    throw invalidTemplate(template, [{ file, line: 1, message }]);
  }
  const text = new TextDecoder().decode(await session.readBinary(content, maxBytes));
  return { file, layer, text };
}
