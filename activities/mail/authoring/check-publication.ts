/**
 * The gate before a template is published: with the change, every tenant that inherits it, in every locale, with its sample, is
 * rendered. Looks at all tenants, whoever publishes; what it says names only those the author may see.
 */
import { findTenants } from '../../../dam/tenants/list-tenants.js';
import type { Repository, Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { SatchelError } from '../../../workflows/contract/errors.js';
import type { GoodVersion } from '../last-good.js';
import { askOnce } from '../ask-once.js';
import { TemplateCache } from '../template-cache.js';
import { isNonEmpty, type TemplateProblem } from '../template-problem.js';
import { listTemplates, loadSample, locateTemplate, templateLocales } from '../template-source.js';
import type { LocatedTemplate } from '../template-source.js';
import type { JsonObject } from '../../../workflows/contract/model.js';
import { layerRootOf } from './author.js';
import { applyPart } from './layer-parts.js';
import { readPartName } from './part-name.js';
import { isVisible } from './visible-tenants.js';

export interface AuthoringServices {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
}

export interface PublicationProblem extends TemplateProblem {
  /** Whose mails would fail; empty where the author may see none of them. */
  readonly tenants: readonly string[];
  readonly locales: readonly string[];
}

export interface Publication {
  readonly tenant: Tenant;
  readonly template: string;
  readonly changes: readonly { readonly part: string; readonly after: string | null }[];
}

/**
 * @param session of the author: decides which tenants may be named
 * @returns what was rendered as it would be published @throws SatchelError INVALID_TEMPLATE with `details.problems`
 */
export async function checkPublication(
  { repository, overlay }: AuthoringServices,
  session: Session,
  publication: Publication,
): Promise<readonly GoodVersion[]> {
  return repository.withSession({ service: 'workflow' }, async (service) => {
    const { tenant, template, changes } = publication;
    for (const { part, after } of changes) {
      await applyPart(service, layerRootOf(tenant), template, readPartName(part), after);
    }
    const { rendered, failures } = await renderAffected(service, overlay, publication);
    if (failures.length === 0) return rendered;
    await service.refresh();
    // What was wrong before is no reason to refuse what has nothing to do with it.
    const before = await renderAffected(service, overlay, publication);
    const known = new Set(before.failures.flatMap(({ problems }) => problems.map(keyOf)));
    const problems = await collect(session, failures, known);
    if (!isNonEmpty(problems)) return rendered;
    throw refusal(template, problems);
  });
}

interface Failure {
  readonly tenant: Tenant;
  readonly template: string;
  /** `undefined` for what all locales have in common: sample and theme. */
  readonly locale: string | undefined;
  readonly problems: readonly TemplateProblem[];
}

async function renderAffected(
  session: Session,
  everyTime: OverlayResolver,
  { tenant: changed, template, changes }: Publication,
): Promise<{ rendered: GoodVersion[]; failures: Failure[] }> {
  const isShared = changes.some(({ part }) => !readPartName(part).own);
  const rendered: GoodVersion[] = [];
  const failures: Failure[] = [];
  // Tenants without parts of their own have the same mails: each is rendered once.
  const outcomes = new Map<string, Outcome>();
  const overlay = askOnce(everyTime);
  const cache = new TemplateCache();
  for await (const tenant of findTenants(session)) {
    if (!overlay.settingsLayers(tenant).some(({ label }) => label === changed.root)) continue;
    const seen = await listTemplates(session, overlay, tenant);
    for (const name of isShared ? seen : seen.filter((candidate) => candidate === template)) {
      const fail = (locale: string | undefined, problems: readonly TemplateProblem[]) =>
        failures.push({ tenant, template: name, locale, problems });
      try {
        const sample = await loadSample(session, overlay, tenant, name);
        for (const locale of await templateLocales(session, overlay, tenant, name)) {
          const wanted = { tenant, template: name, locale, tenantLocale: undefined };
          const located = await locateTemplate(session, overlay, wanted);
          const key = `${located.key} ${sample.key}`;
          const outcome = outcomes.get(key) ?? (await render(session, cache, located, sample.variables));
          outcomes.set(key, outcome);
          if ('problems' in outcome) fail(locale, outcome.problems);
          else rendered.push({ tenant, template: name, locale, version: outcome.version, located });
        }
      } catch (error) {
        fail(undefined, problemsOf(error));
      }
    }
  }
  return { rendered, failures };
}

type Outcome = Pick<GoodVersion, 'version'> | { readonly problems: readonly TemplateProblem[] };

async function render(
  session: Session,
  cache: TemplateCache,
  located: LocatedTemplate,
  sample: JsonObject,
): Promise<Outcome> {
  try {
    const compiled = await cache.compile(session, located);
    compiled.render(sample);
    return { version: compiled.version };
  } catch (error) {
    return { problems: problemsOf(error) };
  }
}

/** @throws what is no problem of a template */
function problemsOf(error: unknown): readonly TemplateProblem[] {
  if (!(error instanceof SatchelError) || error.code !== 'INVALID_TEMPLATE') throw error;
  return error.details['problems'] as readonly TemplateProblem[];
}

async function collect(
  session: Session,
  failures: readonly Failure[],
  known: ReadonlySet<string>,
): Promise<PublicationProblem[]> {
  const found = new Map<string, { problem: TemplateProblem; tenants: Set<string>; locales: Set<string> }>();
  for (const { tenant, locale, problems } of failures) {
    const visible = await isVisible(session, tenant);
    for (const problem of problems) {
      if (known.has(keyOf(problem))) continue;
      const shown = visible ? problem : hiddenProblem;
      const entry = found.get(keyOf(shown)) ?? { problem: shown, tenants: new Set(), locales: new Set() };
      found.set(keyOf(shown), entry);
      if (!visible) continue;
      entry.tenants.add(tenant.name);
      if (locale !== undefined) entry.locales.add(locale);
    }
  }
  return [...found.values()]
    .map(({ problem, tenants, locales }) => ({ ...problem, tenants: [...tenants], locales: [...locales] }))
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
}

/** Said of tenants that the author may not see. */
const hiddenProblem: TemplateProblem = {
  file: '/conf',
  line: 1,
  message: 'Mails of tenants that you may not see would no longer render.',
};

function keyOf({ file, line, message }: TemplateProblem): string {
  return `${file}:${line}: ${message}`;
}

const maxNamed = 5;

function refusal(template: string, problems: readonly [PublicationProblem, ...PublicationProblem[]]): SatchelError {
  const named = (names: readonly string[]) =>
    names.length > maxNamed
      ? `${names.slice(0, maxNamed).join(', ')} and ${names.length - maxNamed} more`
      : names.join(', ');
  const lines = problems.map(({ tenants, locales, ...problem }) => {
    const forWhom =
      tenants.length === 0 ? '' : ` (for ${named(tenants)}${locales.length > 0 ? `: ${named(locales)}` : ''})`;
    return `${keyOf(problem)}${forWhom}`;
  });
  const [{ file, line, message: reason }] = problems;
  return new SatchelError(
    'INVALID_TEMPLATE',
    `"${template}" is not published: it does not render everywhere. ${lines.join(' ')}`,
    { details: { template, file, line, reason, problems } },
  );
}
