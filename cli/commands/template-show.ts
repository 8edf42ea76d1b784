import { z } from 'zod';
import { explainTemplate } from '../../activities/mail/authoring/explain-template.js';
import { findDraft } from '../../activities/mail/authoring/drafts.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';
import { draftDocument, localeOf, remarkHiddenLayers } from '../template-arguments.js';

export const templateShowCommand = defineCommand({
  name: 'template show',
  summary: 'shows where each part of an e-mail template comes from, and what it hides',
  declare: (command) =>
    void command
      .argument('<name>', 'the template, as "downloadasset"')
      .option('--tenant <name>', 'as this tenant sees it; default: global')
      .option('--locale <tag>', 'language, as "de"; default: of the tenant'),
  args: z.object({ name: z.string(), tenant: z.string().default('global'), locale: z.string().optional() }),
  run: async (context, { name, tenant: tenantName, locale }) => {
    const { repository, overlay } = context.satchel;
    return repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const tenant = await overlay.tenant(session, tenantName);
      const wanted = await localeOf(context, { session, tenant }, locale);
      const explained = await explainTemplate(session, overlay, { tenant, template: name, locale: wanted });
      await remarkHiddenLayers(context, { session, tenant });
      const draft = await findDraft(session, tenant, name);
      await answer(context, { ...explained, draft: draft && draftDocument(draft) }, [
        safeText(`${name} for ${tenant.name} in ${explained.locale}; layers ${explained.layers.join(', ')}`),
        ...table(
          explained.parts.map(({ part, layer, source, hides, value }) =>
            [
              `  ${part}`,
              layer,
              hides.length > 0 ? `hides ${hides.join(', ')}` : '',
              source,
              value === undefined ? '' : JSON.stringify(value),
            ].map(safeText),
          ),
        ),
        ...(draft
          ? [safeText(`draft: version ${draft.lockVersion} by ${draft.author}, ${Object.keys(draft.parts).join(', ')}`)]
          : []),
      ]);
      return 0;
    });
  },
});
