import { z } from 'zod';
import { changeOverlay, declareOverlayTarget, overlayArguments } from '../change-overlay.js';
import { defineCommand } from '../command.js';

export const overlayHideCommand = defineCommand({
  name: 'overlay hide',
  summary: 'makes a resource not show in one layer and those above it',
  declare: (command) => void declareOverlayTarget(command),
  args: z.object(overlayArguments),
  run: async (context, wanted) => changeOverlay(context, wanted, { kind: 'hide' }),
});
