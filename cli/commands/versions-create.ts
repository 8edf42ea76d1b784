import { z } from 'zod';
import type { Session } from '../../repository/api.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const versionsCreateCommand = defineCommand({
  name: 'versions create',
  summary: 'keeps a node with all below as its next version',
  declare: (command) =>
    void command
      .argument('<path>', 'the node; becomes versionable where it is not')
      .option('--comment <text>', 'kept with the version'),
  args: z.object({ path: z.string(), comment: z.string().optional() }),
  run: async (context, { path, comment }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      await makeVersionable(session, path);
      const version = await session.versions.checkpoint(path, comment === undefined ? {} : { comment });
      await answer(context, { path, version }, [`version ${safeText(version)} of ${safeText(path)}`]);
      return 0;
    }),
});

/** As AEM does when somebody asks for a version of what has none yet. */
async function makeVersionable(session: Session, path: string): Promise<void> {
  const { primaryType, mixins } = await session.getNode(path);
  if (session.nodeTypes.isNodeType(primaryType, mixins, 'mix:simpleVersionable')) return;
  await session.setProperties(path, { 'jcr:mixinTypes': [...mixins, 'mix:versionable'] });
  await session.save();
}
