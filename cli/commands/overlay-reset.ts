import { z } from 'zod';
import { changeOverlay, declareOverlayTarget, overlayArguments } from '../change-overlay.js';
import { defineCommand } from '../command.js';

export const overlayResetCommand = defineCommand({
  name: 'overlay reset',
  summary: 'removes what one layer has of a resource, so that what underlies shows',
  declare: (command) => void declareOverlayTarget(command),
  args: z.object(overlayArguments),
  run: async (context, wanted) => changeOverlay(context, wanted, { kind: 'reset' }),
});
