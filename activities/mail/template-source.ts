/**
 * Finds the parts of a template in the repository: each from the topmost layer that has it, for one tenant and locale.
 *
 *     settings/dam/workflow/notification/email
 *       theme                      node; one property can be overridden alone (theme.json: the same as a file)
 *       partials/header.mjml       shared
 *       downloadasset
 *         en.mjml  de.mjml  de.txt text is optional
 *         subject                  node; properties named by locale, or "default"
 *         partials/  theme         win over the shared ones
 *         sample.json  variables.schema.json
 */
import { createHash } from 'node:crypto';
import { SatchelError } from '../../workflows/contract/errors.js';
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
  read(): Promise<TemplateParts>;
}

interface FilePart {
  readonly file: string;
  readonly layer: string;
  readonly content: BinaryValue | string;
}

/**
 * @param wanted locale; falls back to the tenant's own and `en`
 * @throws SatchelError UNKNOWN_TEMPLATE, also when no locale of the order has a body
 */
export async function locateTemplate(
  session: Session,
  overlay: OverlayResolver,
  {
    tenant,
    template,
    locale: wanted,
    tenantLocale,
  }: { tenant: Tenant; template: string; locale: string | undefined; tenantLocale: string | undefined },
): Promise<LocatedTemplate> {
  const { shared, own } = await templateResources(session, overlay, tenant, template);
  const locales = availableLocales(own);
  const locale = localeFallbacks(wanted, tenantLocale).find((candidate) => locales.has(candidate));
  const bodyName = locale === undefined ? undefined : locales.get(locale);
  const body = bodyName === undefined ? undefined : filePart(own, `${bodyName}.mjml`);
  if (locale === undefined || bodyName === undefined || !body) {
    throw new SatchelError(
      'UNKNOWN_TEMPLATE',
      `The e-mail template "${template}" has no ${wanted ?? 'en'}.mjml for ${tenant.root}, nor one of its fallbacks; ` +
        `it has: ${[...locales.keys()].join(', ') || 'none'}.`,
      { details: { template, tenant: tenant.name, locale: wanted ?? null } },
    );
  }

  const layers = overlay.settingsLayers(tenant);
  const rank = (label: string) => layers.findIndex((layer) => layer.label === label);
  const text = filePart(own, `${bodyName}.txt`);
  // A body that was overridden says something else than the text below it.
  const textFits = text !== undefined && rank(text.layer) <= rank(body.layer);
  const partials = new Map([...partialParts(shared), ...partialParts(own)]);
  const theme = new Map([...(await themeOf(session, shared, layers)), ...(await themeOf(session, own, layers))]);
  const subject = subjectPart(own, wanted, locale);
  const schema = filePart(own, 'variables.schema.json');

  const fingerprint = (part: FilePart | undefined) =>
    part && [part.file, part.layer, typeof part.content === 'string' ? part.content : part.content.sha256];
  const key = createHash('sha256')
    .update(
      JSON.stringify([
        template,
        locale,
        [body, textFits ? text : undefined, subject, schema].map(fingerprint),
        [...partials].map(([name, part]) => [name, fingerprint(part)]),
        [...theme],
      ]),
    )
    .digest('hex');

  return {
    locale,
    key,
    read: async () => {
      const read = (part: FilePart) => readPart(session, template, part);
      return {
        template,
        locale,
        body: await read(body),
        partials: new Map(
          await Promise.all(
            [...partials].map(async ([name, part]): Promise<[string, TemplatePart]> => [name, await read(part)]),
          ),
        ),
        theme,
        subject: subject && (await read(subject)),
        text: textFits ? await read(text) : undefined,
        schema: schema && (await read(schema)),
      };
    },
  };
}

/** Names of the templates a tenant sees. */
export async function listTemplates(session: Session, overlay: OverlayResolver, tenant: Tenant): Promise<string[]> {
  const shared = await overlay.settings(session, tenant, templatesPath);
  return templateNames(shared);
}

/** Locales a template has a body for, as the tenant sees it. */
export async function templateLocales(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
): Promise<string[]> {
  return [...availableLocales((await templateResources(session, overlay, tenant, template)).own).keys()];
}

/** The variables of `sample.json`, for previews and checks; empty without one. @throws SatchelError INVALID_TEMPLATE */
export async function loadSampleVariables(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
): Promise<JsonObject> {
  const { own } = await templateResources(session, overlay, tenant, template);
  const part = filePart(own, 'sample.json');
  if (!part) return {};
  const { text } = await readPart(session, template, part, maxSampleBytes);
  return parseJsonObject(text, template, part.file);
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
      `(known: ${templateNames(shared).join(', ') || 'none'}).`,
    { details: { template, tenant: tenant.name } },
  );
}

function templateNames(shared: MergedResource | undefined): string[] {
  // The shared partials lie beside the templates, and some of their names look like locales.
  const folders = (shared?.children ?? []).filter(({ name }) => name !== 'partials');
  return folders.filter((child) => availableLocales(child).size > 0).map((child) => child.name);
}

/** Canonical locale → name of the file without its ending. */
function availableLocales(template: MergedResource): ReadonlyMap<string, string> {
  return new Map(
    template.children.flatMap(({ name }) => {
      const stem = name.endsWith('.mjml') ? name.slice(0, -'.mjml'.length) : undefined;
      const locale = canonicalLocale(stem);
      return stem === undefined || locale === undefined ? [] : [[locale, stem] as const];
    }),
  );
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
