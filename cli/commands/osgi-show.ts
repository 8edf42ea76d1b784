import { z } from 'zod';
import { viewConfigurations } from '../../engine/osgi-view.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { defineCommand, type ExitCode } from '../command.js';
import { problemTexts, stateText, valuesText } from '../output/osgi-lines.js';
import { answer } from '../output/report.js';
import { createStyler, safeText, table } from '../output/text.js';

export const osgiShowCommand = defineCommand({
  name: 'osgi show',
  summary: 'shows the OSGi configurations of one PID with their values; never passwords',
  declare: (command) => void command.argument('<pid>', 'com.example.Service, or com.example.Pool~small'),
  args: z.object({ pid: z.string() }),
  run: async (context, { pid }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const all = await context.satchel.osgi.all();
      const configurations = await viewConfigurations(
        session,
        all.filter((one) => one.pid === pid),
      );
      const [first] = configurations;
      if (!first) {
        throw new SatchelError(
          'PATH_NOT_FOUND',
          `There is no OSGi configuration of "${pid}". "satchel osgi list" shows what there is.`,
          { details: { pid } },
        );
      }
      const style = createStyler(context.terminal.stdout.color);
      const lines = configurations.flatMap((one) => [
        '',
        `${style.bold(safeText(one.path))}  ${safeText(stateText(one))}`,
        ...table(
          one.properties.map((property) => [
            `  ${safeText(property.name)}`,
            property.shape === 'scalar' ? property.type : `${property.type} ${property.shape}`,
            valuesText(property),
            [...property.settings, ...(property.effect === undefined ? [] : [property.effect])].join(', '),
          ]),
        ).map((line) => line.trimEnd()),
        ...problemTexts(one).map((text) => `  ${style.red(text)}`),
      ]);
      const title = first.title ?? 'unknown PID: kept, without effect';
      await answer(context, { pid, title: first.title, configurations }, [`${safeText(pid)}  ${title}`, ...lines]);
      return 0;
    }),
});
