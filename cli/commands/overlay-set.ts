import { z } from 'zod';
import { parseAssignments } from '../assignments.js';
import { changeOverlay, declareOverlayTarget, overlayArguments } from '../change-overlay.js';
import { defineCommand } from '../command.js';

export const overlaySetCommand = defineCommand({
  name: 'overlay set',
  summary: 'changes properties of a setting in one layer, writing only what differs',
  declare: (command) =>
    void declareOverlayTarget(command)
      .argument('[assignments...]', 'name=value, name:Long=5, name[]=a,b')
      .option('--remove <names...>', 'properties that shall not show, inherited or not'),
  args: z
    .object({
      ...overlayArguments,
      assignments: z.array(z.string()).default([]),
      remove: z.array(z.string()).default([]),
    })
    .refine(({ assignments, remove }) => assignments.length + remove.length > 0, {
      path: ['assignments'],
      message: 'say what to set (name=value), or what to --remove',
    }),
  run: async (context, { assignments, remove, ...wanted }) =>
    changeOverlay(context, wanted, { kind: 'set', set: parseAssignments(assignments), remove }),
});
