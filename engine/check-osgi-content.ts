/** OSGi configurations in content files: what keeps them from being used, at file and line. */
import type { Session } from '../repository/api.js';
import type { ContentChange, ContentProblem } from '../repository/content/import-content-folder.js';
import { configurationAt, readConfiguration } from '../repository/osgi/find-configurations.js';
import type { PlaceholderSource } from '../repository/osgi/placeholders.js';
import { checkConfiguration } from './osgi-check.js';

/** @param session holds the changes */
export async function checkOsgiContent(
  changes: readonly ContentChange[],
  session: Session,
  placeholders: PlaceholderSource,
): Promise<ContentProblem[]> {
  const present = changes.filter(({ kind }) => kind !== 'removed');
  const nodes = await session.findNodes(present.map(({ path }) => path));
  const found: ContentProblem[] = [];
  for (const [index, { file, line: nodeLine }] of present.entries()) {
    const node = nodes[index];
    const source = node && configurationAt(node);
    if (!source) continue;
    const { problems } = await checkConfiguration(source.pid, placeholders, () => readConfiguration(session, source));
    for (const { line, column, message } of problems) {
      const place = column === undefined ? '' : ` (column ${column})`;
      found.push({ file, line: line || nodeLine, message: `${message}${place}` });
    }
  }
  return found;
}
