import { z } from 'zod';
import { viewConfigurations, type OsgiConfigurationView } from '../../engine/osgi-view.js';
import { defineCommand, type ExitCode } from '../command.js';
import { effectTexts, problemTexts, stateText } from '../output/osgi-lines.js';
import { answer } from '../output/report.js';
import { createStyler, safeText } from '../output/text.js';

export const osgiListCommand = defineCommand({
  name: 'osgi list',
  summary: 'lists the OSGi configurations below /apps and /libs, and what they mean here',
  args: z.object({}),
  run: async (context) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const { osgi, runModes } = context.satchel;
      const configurations = await viewConfigurations(session, await osgi.all());
      const style = createStyler(context.terminal.stdout.color);
      const lines = configurations.flatMap((one) => [
        `${style.bold(safeText(one.pid))}  ${safeText(stateText(one))}`,
        `  ${safeText(one.path)}`,
        ...effectLines(one),
        ...problemTexts(one).map((text) => `  ${style.red(text)}`),
      ]);
      const count = `${configurations.length} ${configurations.length === 1 ? 'configuration' : 'configurations'}; run modes ${runModes.names.join(', ')}`;
      await answer(context, { runModes: runModes.names, configurations }, [...lines, count]);
      return 0;
    }),
});

/** Only of what is in force, or would be. */
function effectLines(view: OsgiConfigurationView): string[] {
  return view.state === 'broken' ? [] : effectTexts(view).map((text) => `    ${text}`);
}
