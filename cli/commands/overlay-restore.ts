import { z } from 'zod';
import { changeOverlay, declareOverlayTarget, overlayArguments } from '../change-overlay.js';
import { defineCommand } from '../command.js';

export const overlayRestoreCommand = defineCommand({
  name: 'overlay restore',
  summary: 'takes back what "overlay hide" did',
  declare: (command) => void declareOverlayTarget(command),
  args: z.object(overlayArguments),
  run: async (context, wanted) => changeOverlay(context, wanted, { kind: 'restore' }),
});
