/** A template's parts as an overlay shows them to a tenant: the text that is in force, and where it came from. */
import { SatchelError } from '../../../workflows/contract/errors.js';
import type { Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { findTitle } from '../compile-mjml.js';
import { flattenTemplate } from '../flatten-template.js';
import { decodeEntities } from '../html-to-text.js';
import { lastLocale } from '../locale-fallback.js';
import { locateTemplate, templatesPath } from '../template-source.js';
import type { TemplateParts } from '../compile-template.js';
import { maxPartBytes } from './layer-parts.js';
import type { PartName } from './part-name.js';

export interface EffectivePart {
  readonly text: string;
  /** Label of its layer. */
  readonly layer: string;
  /** Repository path of the file, or of the node with the property's name. */
  readonly source: string;
}

export interface EffectiveTemplate {
  /** The locale whose body it is. */
  readonly locale: string;
  readonly parts: TemplateParts;
  /** `undefined` where no layer has the part. */
  find(part: PartName): Promise<EffectivePart | undefined>;
}

/** @throws SatchelError UNKNOWN_TEMPLATE */
export async function effectiveTemplate(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
  locale: string,
): Promise<EffectiveTemplate> {
  const located = await locateTemplate(session, overlay, { tenant, template, locale, tenantLocale: undefined });
  const parts = await located.read(session);
  const shared = await overlay.settings(session, tenant, templatesPath);
  const ownTemplate = shared?.child(template);

  async function sample(): Promise<EffectivePart | undefined> {
    const found = ownTemplate?.child('sample.json')?.child('jcr:content')?.properties.get('jcr:data');
    const value = found?.property.values[0];
    if (!found || value === undefined) return undefined;
    const text =
      typeof value === 'object'
        ? new TextDecoder().decode(await session.readBinary(value, maxPartBytes))
        : String(value);
    return { text, layer: found.layer, source: found.source.replace(/\/jcr:content$/u, '') };
  }

  function theme({ of, own }: PartName): EffectivePart | undefined {
    const holder = own ? ownTemplate : shared;
    const property = parts.theme.get(of);
    const found = holder?.child('theme')?.properties.get(of);
    if (!property) return undefined;
    const [value] = found?.property.values ?? [];
    if (found && value !== undefined && typeof value !== 'object') {
      return { text: String(value), layer: found.layer, source: `${found.source}/${of}` };
    }
    // Of a theme.json, or of the shared theme.
    return { text: property.value, layer: property.layer, source: `theme/${of}` };
  }

  return {
    locale: located.locale,
    parts,
    find: async (part) => {
      switch (part.kind) {
        case 'sample':
          return sample();
        case 'theme':
          return theme(part);
        case 'partial':
          return asPart(parts.partials.get(part.of));
        case 'body':
          return asPart(parts.body);
        case 'text':
          return asPart(parts.text);
        case 'subject':
          return subjectOf(parts);
      }
    },
  };
}

/** @throws SatchelError UNKNOWN_TEMPLATE only where nothing at all is below */
export async function findEffectivePart(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
  part: PartName,
): Promise<EffectivePart | undefined> {
  const ofLocale = part.kind === 'subject' || part.kind === 'body' || part.kind === 'text';
  const locale = ofLocale && part.of !== 'default' ? part.of : lastLocale;
  try {
    return await (await effectiveTemplate(session, overlay, tenant, template, locale)).find(part);
  } catch (error) {
    // A template that only the tenant has lies on nothing.
    if (error instanceof SatchelError && error.code === 'UNKNOWN_TEMPLATE') return undefined;
    throw error;
  }
}

/** Without a subject of its own a template has that of its body. */
export function subjectOf(parts: TemplateParts): EffectivePart | undefined {
  if (parts.subject) return asPart(parts.subject);
  const theme = new Map([...parts.theme].map(([name, { value }]) => [name, value]));
  const title = findTitle(flattenTemplate(parts.body, parts.partials, theme));
  if (!title) return undefined;
  return { text: decodeEntities(title.text).trim(), layer: parts.body.layer, source: `${title.file}#mj-title` };
}

function asPart(
  part: { readonly file: string; readonly layer: string; readonly text: string } | undefined,
): EffectivePart | undefined {
  return part && { text: part.text, layer: part.layer, source: part.file };
}
