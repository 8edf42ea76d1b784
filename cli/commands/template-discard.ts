import { z } from 'zod';
import { discardDraft } from '../../activities/mail/authoring/drafts.js';
import { defineCommand } from '../command.js';
import { answer } from '../output/report.js';
import { safeText } from '../output/text.js';
import {
  declareLock,
  declareTemplate,
  draftDocument,
  lockArgument,
  templateArguments,
  withTemplate,
} from '../template-arguments.js';

export const templateDiscardCommand = defineCommand({
  name: 'template discard',
  summary: 'throws the draft of an e-mail template away; what is published stays',
  declare: (command) => void declareLock(declareTemplate(command)),
  args: z.object({ ...templateArguments, ...lockArgument }),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const draft = await discardDraft(session, tenant, template, { lock: args.lock });
      await answer(context, { discarded: draftDocument(draft) }, [
        safeText(`the draft of ${template} for ${tenant.name} is gone (${Object.keys(draft.parts).join(', ')})`),
      ]);
      return 0;
    }),
});
