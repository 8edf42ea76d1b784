import { z } from 'zod';
import {
  listTemplateLocales,
  templateMatrix,
  type MatrixRow,
} from '../../activities/mail/authoring/explain-template.js';
import { findDraft } from '../../activities/mail/authoring/drafts.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const templateListCommand = defineCommand({
  name: 'template list',
  summary: 'lists e-mail templates and locales with the layer that each comes from',
  declare: (command) =>
    void command
      .option('--tenant <name>', 'as this tenant sees them; default: global')
      .option('--matrix', 'every tenant, with the layer of each part'),
  args: z
    .object({ tenant: z.string().optional(), matrix: z.boolean().default(false) })
    .refine(({ tenant, matrix }) => !matrix || tenant === undefined, {
      path: ['tenant'],
      message: 'does not go with --matrix, which shows every tenant',
    }),
  run: async (context, { tenant: tenantName = 'global', matrix }) => {
    const { repository, overlay } = context.satchel;
    return repository.withSession(context.user, async (session): Promise<ExitCode> => {
      if (matrix) {
        const rows: MatrixRow[] = [];
        for await (const row of templateMatrix({ repository, overlay }, session)) rows.push(row);
        await answer(context, { rows }, matrixLines(rows));
        return 0;
      }
      const tenant = await overlay.tenant(session, tenantName);
      const templates = [];
      for (const listed of await listTemplateLocales(session, overlay, tenant)) {
        const draft = await findDraft(session, tenant, listed.template);
        templates.push({ ...listed, draft: draft !== undefined });
      }
      const rows = templates.map(({ template, locale, layer, draft }) =>
        [template, locale, layer, draft ? 'has a draft' : ''].map(safeText),
      );
      await answer(context, { tenant: tenant.name, templates }, table(rows));
      return 0;
    });
  },
});

/** One table a template: tenants down, parts across, so that forty brands are forty lines. */
export function matrixLines(rows: readonly MatrixRow[]): string[] {
  const lines: string[] = [];
  for (const template of new Set(rows.map((row) => row.template))) {
    const ofTemplate = rows.filter((row) => row.template === template);
    const cells = ofTemplate.map(({ tenant, parts }) => [
      tenant,
      ...groups.map((group) => cellOf(tenant, parts, group)),
    ]);
    if (lines.length > 0) lines.push('');
    lines.push(safeText(template), ...table([['tenant', ...groups], ...cells].map((row) => row.map(safeText))));
  }
  return lines;
}

const groups = ['subject', 'body', 'text', 'partial', 'theme', 'sample'] as const;

/** The one layer of all parts of a kind; else each layer with the parts it has, "own" for the tenant's. */
function cellOf(tenant: string, parts: MatrixRow['parts'], group: (typeof groups)[number]): string {
  const byLayer = new Map<string, string[]>();
  for (const [part, layer] of Object.entries(parts)) {
    const [, kind, of = ''] = /^(?:own\/)?([a-z]+)[@:.]?(.*)$/su.exec(part) ?? [];
    if (kind !== group) continue;
    const label = layer === `/conf/${tenant}` ? 'own' : layer;
    byLayer.set(label, [...(byLayer.get(label) ?? []), of]);
  }
  const layers = [...byLayer].sort(([a], [b]) => rankOf(a) - rankOf(b));
  const [first, ...others] = layers;
  if (!first) return '-';
  if (others.length === 0) return first[0];
  // What most parts come from needs no list of them.
  const largest = layers.toSorted(([, a], [, b]) => b.length - a.length)[0];
  return layers
    .map((entry) => (entry === largest && entry[1].length > 3 ? entry[0] : `${entry[0]}(${entry[1].join(' ')})`))
    .join(' ');
}

/** Topmost first. */
function rankOf(label: string): number {
  const known = ['own', '', '/conf/global', '/apps', '/libs'];
  return Math.max(known.indexOf(label), label.startsWith('/conf/') && label !== '/conf/global' ? 1 : 0);
}
