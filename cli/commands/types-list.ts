import { z } from 'zod';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const typesListCommand = defineCommand({
  name: 'types list',
  summary: 'lists the node types: those that are built in and those that were registered',
  args: z.object({}),
  run: async (context) =>
    context.satchel.repository.withSession(context.user, async ({ nodeTypes }): Promise<ExitCode> => {
      const types = nodeTypes.names().flatMap((name) => {
        const type = nodeTypes.get(name);
        if (!type) return [];
        const { mixin, abstract, supertypes } = type;
        return [{ name, builtIn: nodeTypes.isBuiltIn(name), mixin, abstract, supertypes }];
      });
      const rows = types.map(({ name, builtIn, mixin, abstract, supertypes }) => [
        name,
        builtIn ? 'built in' : 'registered',
        [abstract ? 'abstract' : '', mixin ? 'mixin' : ''].filter((word) => word !== '').join(' '),
        supertypes.length === 0 ? '' : `> ${supertypes.join(', ')}`,
      ]);
      await answer(context, { types }, table(rows.map((row) => row.map(safeText))));
      return 0;
    }),
});
