/** The check that content files pass before they come into force: settings must be values they may have, OSGi configurations must parse, models must pin, launchers must launch a model and templates must render, for every tenant. */
import { checkTemplates } from '../activities/mail/check-templates.js';
import type { StepRegistry } from '../activities/registry.js';
import { findTenants } from '../dam/tenants/list-tenants.js';
import type { Session } from '../repository/api.js';
import type { ContentChange, ContentCheck, ContentProblem } from '../repository/content/import-content-folder.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { isDescendantOrSelf, parentOf } from '../repository/path.js';
import { checkLaunchersContent, isLauncherChange } from './check-launchers-content.js';
import { checkOsgiContent } from './check-osgi-content.js';
import { checkSettingsContent } from './check-settings-content.js';
import { noPlaceholders } from './osgi-placeholders.js';
import type { PlaceholderSource } from '../repository/osgi/placeholders.js';
import { checkModels, isModelPath } from './models/check-changed-models.js';

const templatesPath = 'dam/workflow/notification/email';

export interface ContentCheckOptions {
  readonly overlay: OverlayResolver;
  readonly registry: StepRegistry;
  /** Of OSGi configurations. Default: nothing stands for one. */
  readonly placeholders?: PlaceholderSource;
  /** Told what stops nothing. */
  readonly onRemark?: (remark: ContentProblem) => void;
}

export function createContentCheck({
  overlay,
  registry,
  placeholders = noPlaceholders,
  onRemark,
}: ContentCheckOptions): ContentCheck {
  return async (changes, session) => {
    const settings = await checkSettingsContent(changes, session);
    for (const remark of settings.remarks) onRemark?.(remark);
    const own = [...settings.problems, ...(await checkOsgiContent(changes, session, placeholders))];
    const models = changes.filter(({ path }) => isModelPath(path));
    const templates = changes.filter(({ path }) => path.includes(`/settings/${templatesPath}/`));
    const launchers = changes.filter(isLauncherChange);
    if (models.length === 0 && templates.length === 0 && launchers.length === 0) return own;
    const tenants = await allTenants(session);
    const problems: ContentProblem[] = own;
    if (models.length > 0) {
      const found = await checkModels({ overlay, registry }, session, tenants, models);
      for (const { path, problem } of found.problems) problems.push(place(path, problem, models));
      for (const { path, problem } of found.warnings) onRemark?.(place(path, problem, models));
    }
    if (launchers.length > 0) {
      const { placed, merged } = await checkLaunchersContent({ overlay, registry }, session, tenants, launchers);
      problems.push(...placed, ...merged.map(({ path, problem }) => place(path, problem, launchers)));
    }
    if (templates.length > 0) {
      for (const { file, line, message } of await checkTemplates(session, overlay, tenants)) {
        // The bytes of a file lie on its jcr:content: for an edited file that is the node that changes.
        const change = templates.find(({ path }) => path === file || path === `${file}/jcr:content`);
        problems.push(
          change ? { file: change.file, line, message } : place(file, `${file}:${line}: ${message}`, templates),
        );
      }
    }
    return problems;
  };
}

async function allTenants(session: Session): Promise<Tenant[]> {
  const tenants: Tenant[] = [];
  for await (const tenant of findTenants(session)) tenants.push(tenant);
  return tenants;
}

/** Where a person finds it: the changed file that speaks of the node, or of the nearest node above. */
function place(path: string, message: string, changes: readonly ContentChange[]): ContentProblem {
  for (let node = path; node !== ''; node = parentOf(node)) {
    const change = changes.find((candidate) => candidate.path === node && candidate.file !== '');
    if (change) return { file: change.file, line: change.line, message: `${path} ${message}` };
  }
  const [below] = changes.filter((candidate) => isDescendantOrSelf(candidate.path, path) && candidate.file !== '');
  const [any] = changes;
  const { file = '', line = 1 } = below ?? any ?? {};
  return { file, line, message: `${path} ${message}` };
}
