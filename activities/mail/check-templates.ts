/**
 * The check before a changed template comes into force: it is compiled and rendered, with its sample, for every tenant
 * and locale that would use it. Works on a session with unsaved changes, so that a wrong file never gets saved.
 */
import { SatchelError } from '../../workflows/contract/errors.js';
import { askOnce } from './ask-once.js';
import { TemplateCache } from './template-cache.js';
import { listTemplates, loadSample, locateTemplate, templateLocales } from './template-source.js';
import type { Session } from '../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import type { TemplateProblem } from './template-problem.js';

/**
 * @param tenants all that may be concerned: for a change in /libs or /apps every tenant, and `global`
 * @returns every problem once, by file and line; files are repository paths
 */
export async function checkTemplates(
  session: Session,
  everyTime: OverlayResolver,
  tenants: readonly Tenant[],
): Promise<TemplateProblem[]> {
  const problems: TemplateProblem[] = [];
  const checked = new Set<string>();
  const cache = new TemplateCache();
  const overlay = askOnce(everyTime);
  const collect = (error: unknown) => {
    if (!(error instanceof SatchelError) || error.code !== 'INVALID_TEMPLATE') throw error;
    problems.push(...(error.details['problems'] as readonly TemplateProblem[]));
  };

  const check = async (tenant: Tenant, template: string) => {
    const sample = await loadSample(session, overlay, tenant, template);
    for (const locale of await templateLocales(session, overlay, tenant, template)) {
      const located = await locateTemplate(session, overlay, { tenant, template, locale, tenantLocale: undefined });
      const key = `${located.key} ${sample.key}`;
      if (checked.has(key)) continue;
      checked.add(key);
      try {
        (await cache.compile(session, located)).render(sample.variables);
      } catch (error) {
        collect(error);
      }
    }
  };

  for (const tenant of tenants) {
    // What fails outside a locale is the sample, or a theme.json.
    for (const template of await listTemplates(session, overlay, tenant)) await check(tenant, template).catch(collect);
  }
  return withoutRepetition(problems).sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
}

function withoutRepetition(problems: readonly TemplateProblem[]): TemplateProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
