/** Commands that do one thing to a job. */
import { z } from 'zod';
import type { Engine } from '../engine/api.js';
import { defineCommand, type CommandDefinition } from './command.js';
import { answer } from './output/report.js';
import { withTemporal } from './with-temporal.js';

export function defineJobAction(action: {
  readonly name: string;
  readonly summary: string;
  readonly act: (engine: Engine, user: string, id: string) => Promise<void>;
  /** Said when it was done. */
  readonly done: string;
}): CommandDefinition {
  return defineCommand({
    name: action.name,
    summary: action.summary,
    declare: (command) => void command.argument('<id>', 'id of the job'),
    args: z.object({ id: z.string() }),
    run: async (context, { id }) => {
      const { satchel, user } = context;
      await withTemporal(context, () => action.act(satchel.engine, user, id));
      await answer(context, { id, done: action.done }, [`${id}: ${action.done}`]);
      return 0;
    },
  });
}
