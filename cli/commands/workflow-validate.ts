import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { findTenants } from '../../dam/tenants/list-tenants.js';
import { examineModel } from '../../engine/model-loader.js';
import { findUnknownAssignees } from '../../engine/models/find-unknown-assignees.js';
import { listClassicModels, listModels } from '../../engine/models/find-model.js';
import type { ModelProblem } from '../../engine/models/problems.js';
import { tryModel } from '../../engine/models/try-model.js';
import type { Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import { globalTenant } from '../../repository/overlay/layers.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type CommandContext, type ExitCode } from '../command.js';
import { problemLines } from '../output/model-lines.js';
import { answer } from '../output/report.js';
import { createStyler, safeText } from '../output/text.js';

interface Checked {
  readonly model: string;
  readonly tenant: string;
  readonly problems: readonly ModelProblem[];
  readonly warnings: readonly ModelProblem[];
}

export const workflowValidateCommand = defineCommand({
  name: 'workflow validate',
  summary: 'checks a workflow model, or all of them, as they are checked before they come into force',
  declare: (command) =>
    void command
      .argument('[model]', 'the model, as "dam/download-asset"; default: all')
      .option('--tenant <name>', 'for this tenant; default: global')
      .option('--all-tenants', 'for every tenant')
      .option('--file <file>', 'with this content of the model: of the tenant where one is named, else of /libs'),
  args: z
    .object({
      model: z.string().optional(),
      tenant: z.string().optional(),
      allTenants: z.boolean().default(false),
      file: z.string().optional(),
    })
    .refine((args) => args.tenant === undefined || !args.allTenants, {
      path: ['tenant'],
      message: 'does not go with --all-tenants',
    })
    .refine((args) => args.file === undefined || args.model !== undefined, {
      path: ['file'],
      message: 'needs the id that the model has, or is to have',
    }),
  run: async (context, { model, tenant, allTenants, file }) => {
    const { repository, overlay } = context.satchel;
    return repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenants = allTenants ? await everyTenant(session) : [await overlay.tenant(session, tenant ?? 'global')];
      const place =
        file === undefined ? undefined : await readDraft(context, session, { tenant, model: model ?? '', file });
      const checked: Checked[] = [];
      for (const one of tenants) checked.push(...(await check(context, session, one, model)));
      const problems = unique(checked.flatMap((one) => one.problems));
      const warnings = unique(checked.flatMap((one) => one.warnings));
      const style = createStyler(context.terminal.stdout.color);
      const models = new Set(checked.map((one) => one.model)).size;
      await answer(context, { valid: problems.length === 0, checked }, [
        ...problemLines(problems, warnings, style, place),
        safeText(
          `${counted(models, 'model')} for ${counted(tenants.length, 'tenant')}: ${counted(problems.length, 'problem')}, ${counted(warnings.length, 'warning')}`,
        ),
      ]);
      return problems.length > 0 ? 1 : 0;
    });
  },
});

async function check(
  { satchel: { overlay, settings, registry } }: CommandContext,
  session: Session,
  tenant: Tenant,
  model: string | undefined,
): Promise<Checked[]> {
  const all = model === undefined ? await listModels(overlay, session, tenant, await listClassicModels(session)) : [];
  const checked: Checked[] = [];
  for (const id of model === undefined ? all.map((found) => found.id) : [model]) {
    const examined = await examineModel({ overlay, settings, registry }, session, tenant, id);
    const warnings = [...examined.warnings, ...(await findUnknownAssignees(session, examined))];
    checked.push({ model: id, tenant: tenant.name, problems: examined.problems, warnings });
  }
  return checked;
}

/** @returns where in the file a problem is */
async function readDraft(
  { cwd }: CommandContext,
  session: Session,
  { tenant, model: id, file }: { tenant: string | undefined; model: string; file: string },
): Promise<(path: string) => string | undefined> {
  const layer = tenant === undefined ? '/libs' : `/conf/${tenant}`;
  const text = await readFile(path.resolve(cwd, file), 'utf8').catch((error: unknown) => {
    throw new SatchelError('INVALID_REQUEST', `--file: "${file}" cannot be read.`, { cause: error });
  });
  const { lineOf } = await tryModel(session, { layer, id, file, text });
  return (node) => {
    const line = lineOf(node);
    return line === undefined ? undefined : `${file}:${line}`;
  };
}

async function everyTenant(session: Session): Promise<readonly Tenant[]> {
  const tenants: Tenant[] = [];
  for await (const tenant of findTenants(session)) tenants.push(tenant);
  return tenants.some(({ name }) => name === globalTenant.name) ? tenants : [globalTenant, ...tenants];
}

function unique(problems: readonly ModelProblem[]): readonly ModelProblem[] {
  return [...new Map(problems.map((problem) => [`${problem.path} ${problem.problem}`, problem])).values()];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
