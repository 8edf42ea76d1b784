import { z } from 'zod';
import { SatchelError } from '../../workflows/contract/errors.js';
import { adminUser, groups } from '../../repository/api.js';
import { groupsOf } from '../../repository/users.js';
import { defineCommand, type CommandContext, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const launcherStatusCommand = defineCommand({
  name: 'launcher status',
  summary: 'shows how far launchers are behind the changes, what they launched last, and what went wrong',
  args: z.object({}),
  run: async (context): Promise<ExitCode> => {
    await assertAdministrator(context);
    const status = await context.satchel.launchers.status();
    const { following, position, head, behind, waitingRequests, launched, failed, last, problems } = status;
    const facts = [
      ['following', following ? 'yes' : 'not in this process: launchers work while "satchel start" or "dev" runs'],
      ['position', position === undefined ? 'never followed' : `commit ${position} of ${head}`],
      ['behind', behind.commits === 0 ? 'nothing' : `${behind.commits} commits, for ${behind.seconds} s`],
      ['requests waiting', String(waitingRequests)],
      ['launched', `${launched}${failed > 0 ? `; ${failed} failed` : ''}`],
      ['last', last === undefined ? '–' : `${last.time} ${last.launcher} for ${last.path} (${last.id})`],
    ];
    await answer(context, status, [
      ...table(facts.map((row) => row.map(safeText))),
      ...problems.map(({ path, problem, count, last: time }) =>
        safeText(`${time} ${path}: ${problem}${count > 1 ? ` (${count} times)` : ''}`),
      ),
    ]);
    return problems.length > 0 ? 3 : 0;
  },
});

/** Paths of everybody's content show in it. */
async function assertAdministrator({ satchel, user }: CommandContext): Promise<void> {
  if (user === adminUser) return;
  const memberships = await satchel.repository.withSession({ service: 'workflow' }, async (session) =>
    groupsOf(session, user),
  );
  if (memberships.includes(groups.administrators)) return;
  throw new SatchelError('NOT_ALLOWED', `The status of launchers is for members of ${groups.administrators}.`);
}
