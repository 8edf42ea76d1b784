import { z } from 'zod';
import type { RepositoryNode } from '../../repository/api.js';
import { parseQueryBuilder } from '../../repository/query/query-builder.js';
import { defineCommand, type ExitCode } from '../command.js';
import { remark } from '../output/report.js';
import { createStyler, safeText } from '../output/text.js';

export const queryCommand = defineCommand({
  name: 'query',
  summary: "finds nodes by AEM's QueryBuilder parameters",
  declare: (command) =>
    void command
      .argument('<parameters>', "as 'path=/content/dam&type=dam:Asset&p.limit=20'")
      .option('--explain', 'also say which index answered and how many nodes were looked at'),
  args: z.object({ parameters: z.string(), explain: z.boolean().default(false) }),
  run: async (context, { parameters, explain }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { query, guessTotal } = parseQueryBuilder(parameters);
      const result = await session.query({ ...query, count: guessTotal === undefined });
      const { stdout } = context.terminal;
      const style = createStyler(stdout.color);
      const write = context.json
        ? (node: RepositoryNode, first: boolean) => stdout.write((first ? '\n' : ',\n') + JSON.stringify(hitOf(node)))
        : (node: RepositoryNode) =>
            stdout.write(`${safeText(node.path)} ${style.dim(`[${safeText(node.primaryType)}]`)}\n`);
      if (context.json) await stdout.write('{"success": true, "hits": [');
      let results = 0;
      for await (const node of result.nodes()) {
        if (context.signal.aborted) return 130;
        await write(node, results === 0);
        results++;
      }
      const { total, plan } = result;
      const offset = query.offset ?? 0;
      if (context.json) {
        // The shape of AEM's querybuilder.json, whose total without a count is what is known so far.
        const more = result.next !== undefined;
        const facts = { results, total: total ?? offset + results, more, offset, ...(explain && { plan }) };
        await stdout.write(`\n], ${JSON.stringify(facts).slice(1)}\n`);
        return 0;
      }
      await remark(context, total === undefined ? `${results} found` : `${results} of ${total}`);
      if (explain) await remark(context, `${plan.text}; ${plan.visited} nodes looked at`);
      return 0;
    }),
});

function hitOf({ path, name, primaryType }: RepositoryNode): Record<string, string> {
  return { path, name, primaryType };
}
