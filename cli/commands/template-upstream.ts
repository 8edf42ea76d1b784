import { z } from 'zod';
import { differenceLines } from '../../activities/mail/authoring/text-difference.js';
import { compareUpstream, mergeUpstream } from '../../activities/mail/authoring/upstream.js';
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

const meanings = {
  unchanged: 'nothing changed below',
  changed: 'changed below',
  gone: 'no layer below has it any more',
  unknown: 'was customised outside of drafts: from what is not known',
  published: 'what is published was changed since the draft was begun',
} as const;

export const templateUpstreamCommand = defineCommand({
  name: 'template upstream',
  summary: 'shows what changed below since an e-mail template was customised, or merges that into the draft',
  declare: (command) =>
    void declareLock(declareTemplate(command).option('--merge', 'merge it into the draft, three-way')),
  args: z.object({ ...templateArguments, ...lockArgument, merge: z.boolean().default(false) }),
  run: async (context, args) =>
    withTemplate(context, args, async ({ session, tenant, template }) => {
      const { overlay } = context.satchel;
      if (args.merge) {
        const { draft, merged } = await mergeUpstream(session, overlay, { tenant, template }, { lock: args.lock });
        const conflicts = merged.filter((part) => part.conflicts.length > 0);
        await answer(context, { draft: draft && draftDocument(draft), merged }, [
          ...(draft ? [] : ['nothing to merge']),
          ...merged.map(({ part, conflicts: lines }) =>
            safeText(`${part}: ${lines.length === 0 ? 'merged' : `conflict at line ${lines.join(', ')}`}`),
          ),
          ...(conflicts.length === 0
            ? []
            : [safeText(`solve them with "satchel template edit ${template} --tenant ${tenant.name} --part …"`)]),
        ]);
        return conflicts.length === 0 ? 0 : 3;
      }
      const parts = await compareUpstream(session, overlay, { tenant, template });
      await answer(
        context,
        { template, tenant: tenant.name, parts },
        parts.length === 0
          ? [safeText(`${tenant.name} has customised nothing of ${template}`)]
          : parts.flatMap(({ part, state, base, below }) => [
              safeText(`${part}: ${meanings[state]}`),
              ...(state === 'changed' ? differenceLines(base?.text ?? null, below?.text ?? null).map(safeText) : []),
            ]),
      );
      return 0;
    }),
});
