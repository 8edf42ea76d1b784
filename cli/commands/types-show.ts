import { z } from 'zod';
import { RepositoryError } from '../../repository/errors.js';
import { inheritedDefinitions, writeWithInherited } from '../../repository/node-types/inherited-definitions.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';

export const typesShowCommand = defineCommand({
  name: 'types show',
  summary: 'shows a node type as CND, what it inherits as comments',
  declare: (command) => void command.argument('<name>', 'as "types list" shows it'),
  args: z.object({ name: z.string() }),
  run: async (context, { name }) =>
    context.satchel.repository.withSession(context.user, async ({ nodeTypes }): Promise<ExitCode> => {
      if (!nodeTypes.get(name)) {
        throw new RepositoryError('PATH_NOT_FOUND', `There is no node type "${safeText(name)}"; see types list.`);
      }
      const document = {
        name,
        builtIn: nodeTypes.isBuiltIn(name),
        cnd: nodeTypes.cnd([name]),
        inherited: inheritedDefinitions(nodeTypes, name),
      };
      await answer(context, document, writeWithInherited(nodeTypes, name).trimEnd().split('\n').map(safeText));
      return 0;
    }),
});
