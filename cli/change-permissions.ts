/** What `permissions grant` and `permissions deny` share. */
import type { Command } from 'commander';
import { z } from 'zod';
import type { deny, grant } from '../repository/access/policy.js';
import { privileges } from '../repository/api.js';
import type { CommandContext, ExitCode } from './command.js';
import { answer } from './output/report.js';
import { safeText } from './output/text.js';

export const permissionArguments = z.object({
  path: z.string(),
  principal: z.string(),
  privileges: z.array(z.enum(privileges, `must be among ${privileges.join(', ')}`)).min(1),
  glob: z.string().optional(),
});

export function declarePermissions(command: Command): void {
  command
    .argument('<path>', 'of the node, for it and all below')
    .argument('<principal>', 'a user, service user or group')
    .argument('<privileges...>', 'as "jcr:read" or "rep:write"')
    .option('--glob <pattern>', 'only items whose path is that of the node and this, with * for anything (rep:glob)');
}

/** Adds an entry at the end of the node's policy, where it comes before those that stand there. */
export async function changePermissions(
  context: CommandContext,
  kind: 'allow' | 'deny',
  add: typeof grant | typeof deny,
  { path, principal, privileges: wanted, glob }: z.infer<typeof permissionArguments>,
): Promise<ExitCode> {
  return context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
    // A policy would make the nodes on its way: a path that was mistyped must not.
    await session.getNode(path);
    await add(session, path, principal, wanted, glob === undefined ? {} : { glob });
    await session.save();
    const text = `${kind === 'allow' ? 'allowed' : 'denied'} ${principal} ${wanted.join(', ')} at ${path}`;
    await answer(context, { path, kind, principal, privileges: wanted, glob }, [safeText(text)]);
    return 0;
  });
}
