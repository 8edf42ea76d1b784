/** Why a mail looks as it does: for every part of a template the layer it came from, and the layers it hides. */
import type { Repository, Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { SatchelError } from '../../../workflows/contract/errors.js';
import { listTemplates, templateLocales } from '../template-source.js';
import { effectiveTemplate, type EffectivePart } from './effective-parts.js';
import { listLayerParts } from './layer-parts.js';
import { formatPartName, type PartName } from './part-name.js';
import { visibleTenants } from './visible-tenants.js';

export interface ExplainedPart {
  /** `subject@de` */
  readonly part: string;
  /** Label of the layer it comes from. */
  readonly layer: string;
  /** Repository path of the file, or of the node with the property's name. */
  readonly source: string;
  /** Labels of the layers below that have the part too, topmost first. */
  readonly hides: readonly string[];
  readonly characters: number;
  /** The text of a part of one line. */
  readonly value: string | undefined;
}

export interface ExplainedTemplate {
  readonly template: string;
  readonly tenant: string;
  /** The locale whose body is used. */
  readonly locale: string;
  readonly layers: readonly string[];
  readonly parts: readonly ExplainedPart[];
}

/** @throws SatchelError UNKNOWN_TEMPLATE */
export async function explainTemplate(
  session: Session,
  overlay: OverlayResolver,
  { tenant, template, locale }: { readonly tenant: Tenant; readonly template: string; readonly locale: string },
): Promise<ExplainedTemplate> {
  const effective = await effectiveTemplate(session, overlay, tenant, template, locale);
  const layers = overlay.settingsLayers(tenant);
  const held = new Map<string, ReadonlySet<string>>();
  for (const { label, root } of layers) {
    held.set(label, new Set((await listLayerParts(session, root, template)).map(formatPartName)));
  }
  const parts: ExplainedPart[] = [];
  const explainPart = (part: PartName, found: EffectivePart | undefined) => {
    if (!found) return;
    const name = formatPartName(part);
    const below = layers.slice(layers.findIndex(({ label }) => label === found.layer) + 1);
    // What the template has of its own hides what its layer and those below share.
    const shared = formatPartName({ ...part, own: false });
    const hides = below.filter(({ label }) => [name, shared].some((key) => held.get(label)?.has(key)));
    parts.push({
      part: name,
      layer: found.layer,
      source: found.source,
      hides: hides.map(({ label }) => label),
      characters: found.text.length,
      value: found.text.includes('\n') || found.text.length > 200 ? undefined : found.text,
    });
  };
  const anywhere = (part: PartName) => [...held.values()].some((names) => names.has(formatPartName(part)));
  const ofLocale = (kind: PartName['kind']): PartName => ({ kind, of: effective.locale, own: true });
  for (const kind of ['subject', 'body', 'text'] as const) {
    explainPart(ofLocale(kind), await effective.find(ofLocale(kind)));
  }
  for (const [kind, names] of [
    ['partial', effective.parts.partials.keys()],
    ['theme', effective.parts.theme.keys()],
  ] as const) {
    for (const of of names) {
      const own = anywhere({ kind, of, own: true });
      explainPart({ kind, of, own }, await effective.find({ kind, of, own }));
    }
  }
  const sample: PartName = { kind: 'sample', of: '', own: true };
  explainPart(sample, await effective.find(sample));
  return {
    template,
    tenant: tenant.name,
    locale: effective.locale,
    layers: layers.map(({ label }) => label),
    parts,
  };
}

export interface ListedTemplate {
  readonly template: string;
  readonly locale: string;
  /** Label of the layer its body comes from. */
  readonly layer: string;
}

export async function listTemplateLocales(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
): Promise<ListedTemplate[]> {
  const listed: ListedTemplate[] = [];
  for (const template of await listTemplates(session, overlay, tenant)) {
    for (const locale of await templateLocales(session, overlay, tenant, template)) {
      const { parts } = await effectiveTemplate(session, overlay, tenant, template, locale);
      listed.push({ template, locale, layer: parts.body.layer });
    }
  }
  return listed;
}

export interface MatrixRow {
  readonly tenant: string;
  readonly template: string;
  /** By part: the label of the layer it comes from. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Every tenant that may be read, every template it sees, in every locale. */
export async function* templateMatrix(
  { repository, overlay }: { readonly repository: Repository; readonly overlay: OverlayResolver },
  session: Session,
): AsyncGenerator<MatrixRow> {
  for (const tenant of await visibleTenants(repository, session)) {
    for (const template of await listTemplates(session, overlay, tenant)) {
      const parts: Record<string, string> = {};
      for (const locale of await templateLocales(session, overlay, tenant, template)) {
        const explained = await explainTemplate(session, overlay, { tenant, template, locale });
        for (const { part, layer } of explained.parts) parts[part] = layer;
      }
      yield { tenant: tenant.name, template, parts };
    }
  }
}

/** @throws SatchelError UNKNOWN_TEMPLATE where the tenant sees none of that name */
export async function assertTemplate(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
): Promise<void> {
  const known = await listTemplates(session, overlay, tenant);
  if (known.includes(template)) return;
  throw new SatchelError(
    'UNKNOWN_TEMPLATE',
    `There is no e-mail template "${template}" for ${tenant.root} (known: ${known.join(', ') || 'none'}).`,
    { details: { template, tenant: tenant.name } },
  );
}
