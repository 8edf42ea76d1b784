import { once } from 'node:events';
import { z } from 'zod';
import { defineProcessCommand } from '../command.js';

export const workerCommand = defineProcessCommand({
  name: 'worker',
  summary:
    'works on workflows beside other processes, without web pages; needs PostgreSQL and a Temporal server for all',
  declare: (command) => void command.option('--queue <queue>', 'only light or only heavy steps'),
  args: z.object({ queue: z.enum(['light', 'heavy'], 'must be light or heavy').optional() }),
  async run(context, { queue }) {
    const { terminal, signal, json, dataFolder } = context;
    const owned = await context.own({ mode: 'worker', work: false, ...(queue && { queues: [queue] }) });
    const { satchel } = owned;
    try {
      const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort');
      await Promise.race([satchel.ensureWorking(), stopped]);
      if (signal.aborted) return 0;
      const { queues } = satchel.configuration.worker;
      const facts = { temporal: satchel.engine.temporal().address, queues, dataFolder };
      const line = `Works on ${queues.join(' and ')} steps; Ctrl-C ends it once they ended or were handed back.`;
      await terminal.stdout.write(`${json ? JSON.stringify(facts) : line}\n`);
      await stopped;
      return 0;
    } finally {
      await owned.close({ abort: true });
    }
  },
});
