import { z } from 'zod';
import type { Session } from '../../repository/api.js';
import { effectivePolicies, explainPermissions } from '../../repository/access/explain.js';
import type { EffectivePolicy, PermissionsExplanation } from '../../repository/access/explain.js';
import { findUser, listGroups, principalPath, serviceUsersRoot } from '../../repository/users.js';
import { listRestrictions } from '../../repository/access/restrictions.js';
import type { Restrictions } from '../../repository/access/restrictions.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const permissionsShowCommand = defineCommand({
  name: 'permissions show',
  summary: 'shows the policies at a path, or what somebody may do there and why',
  declare: (command) =>
    void command.argument('<path>', 'of a node').option('--for <principal>', 'a user, service user or group'),
  args: z.object({ path: z.string(), for: z.string().optional() }),
  run: async (context, { path, for: principal }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      if (principal === undefined) {
        const policies = await effectivePolicies(session, path);
        await answer(context, { path, policies }, policies.flatMap(linesOfPolicy));
      } else {
        const explanation = await explainPermissions(session, path, principal);
        const known = await isKnownPrincipal(session, principal);
        const unknown = `no user, service user or group "${safeText(principal)}" is known here: what follows holds for everyone`;
        await answer(context, { ...explanation, known }, [
          ...(known ? [] : [unknown]),
          ...linesOfExplanation(explanation),
        ]);
      }
      return 0;
    }),
});

async function isKnownPrincipal(session: Session, id: string): Promise<boolean> {
  if (await findUser(session, id)) return true;
  const service = principalPath(serviceUsersRoot, id);
  if (service !== undefined && (await session.findNode(service))) return true;
  for await (const group of listGroups(session)) if (group.id === id) return true;
  return false;
}

function linesOfPolicy({ path, entries }: EffectivePolicy): string[] {
  const rows = entries.map(({ name, kind, principal, privileges, restrictions, unknownRestrictions }) => [
    `  ${safeText(name)}`,
    kind,
    safeText(principal),
    safeText(privileges.join(', ') + textOf(restrictions, unknownRestrictions)),
  ]);
  return [safeText(path), ...table(rows)];
}

function linesOfExplanation({ principal, administrator, privileges }: PermissionsExplanation): string[] {
  if (administrator) return [`${safeText(principal)} is an administrator and may do everything`];
  return table(
    privileges.map(({ privilege, decision, by }) => {
      if (!by) return [privilege, decision];
      const via = by.via.length > 0 ? ` (through ${by.via.join(', ')})` : '';
      const entry = by.name === undefined ? 'own user node' : `${by.name} of ${by.path}`;
      return [privilege, decision, safeText(`by ${entry}, for ${by.principal}${via}${textOf(by.restrictions, [])}`)];
    }),
  );
}

function textOf(restrictions: Restrictions, unknown: readonly string[]): string {
  const parts = [
    ...listRestrictions(restrictions).map(([name, values]) =>
      name === 'rep:glob' ? `${name} "${values.join('')}"` : `${name} ${values.join(', ')}`,
    ),
    ...unknown.map((name) => `${name}, which is unknown here`),
  ];
  return parts.length === 0 ? '' : ` [${parts.join('; ')}]`;
}
