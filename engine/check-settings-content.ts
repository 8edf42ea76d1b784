/** Settings in content files: what is wrong with them, at file and line. */
import { readFile } from 'node:fs/promises';
import { unknownSettings, wrongSettings, type SettingProblem } from '../dam/settings/check-settings.js';
import type { RepositoryNode, Session } from '../repository/api.js';
import type { ContentChange, ContentProblem } from '../repository/content/import-content-folder.js';
import { parseJson, type JsonDocument } from '../repository/content/json-document.js';

export interface SettingsCheck {
  /** Keep a file's last good version in force. */
  readonly problems: readonly ContentProblem[];
  /** Names that are no settings: worth a word, but packages bring such properties too. */
  readonly remarks: readonly ContentProblem[];
}

/** @param session holds the changes */
export async function checkSettingsContent(
  changes: readonly ContentChange[],
  session: Session,
): Promise<SettingsCheck> {
  const relevant = changes.filter(({ kind, path }) => kind !== 'removed' && path.includes('/settings/'));
  const nodes = await session.findNodes(relevant.map(({ path }) => path));
  const find = async (look: (node: RepositoryNode) => readonly SettingProblem[]): Promise<ContentProblem[]> => {
    const found: ContentProblem[] = [];
    for (const [index, change] of relevant.entries()) {
      const node = nodes[index];
      for (const { property, problem } of node ? look(node) : []) {
        const line = await lineOfProperty(change, property);
        found.push({ file: change.file, line, message: `${change.path}: "${property}" ${problem}` });
      }
    }
    return found;
  };
  return {
    problems: await find(({ path, properties }) => wrongSettings(path, properties)),
    remarks: await find(({ path, properties }) => unknownSettings(path, properties)),
  };
}

/** Of the property where the file is JSON, else of its node. */
export async function lineOfProperty({ file, line }: ContentChange, property: string): Promise<number> {
  if (!file.endsWith('.json')) return line;
  try {
    const document = parseJson(await readFile(file, 'utf8'), (_, problem) => new Error(problem));
    return memberLine(document, line, property) ?? line;
  } catch {
    // The file changed meanwhile, or is one that is about to be written: the node's line is the best there is.
    return line;
  }
}

/** In the object that starts on the node's line. */
function memberLine(document: JsonDocument, line: number, property: string): number | undefined {
  if (document.kind !== 'object') return undefined;
  const member = document.members.find(({ name }) => name === property);
  if (document.line === line && member) return member.line;
  for (const { value } of document.members) {
    const found = memberLine(value, line, property);
    if (found !== undefined) return found;
  }
  return undefined;
}
