/** What `config get` and `explain --config` share. */
import { explainConfiguration, renderConfiguration } from '../repository/overlay/explain-configuration.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { CommandContext, ExitCode } from './command.js';
import { answer } from './output/report.js';
import { safeText } from './output/text.js';

export async function showConfiguration(context: CommandContext, name: string, contentPath: string): Promise<ExitCode> {
  const { satchel, user } = context;
  return satchel.repository.withSession(user, async (session): Promise<ExitCode> => {
    const found = await satchel.overlay.configuration(session, contentPath, name);
    if (!found.resource) {
      const sources = found.places.map(({ source }) => source).join(', ');
      throw new SatchelError(
        'PATH_NOT_FOUND',
        `There is no configuration "${name}" for ${contentPath}. Looked for: ${sources}.`,
        { details: { name, path: contentPath } },
      );
    }
    const explanation = explainConfiguration(found);
    await answer(
      context,
      { path: contentPath, ...explanation },
      renderConfiguration(explanation, contentPath).map(safeText),
    );
    return 0;
  });
}
