/** docs/plugins.md as a reader follows it: the commands it tells to type, and the files it tells to write. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packageRoot } from '../../package-root.js';

export interface TutorialSection {
  readonly commands: readonly string[];
  /** By path; written by hand. */
  readonly files: Readonly<Record<string, string>>;
}

/** @param title of the section, a heading of the second level */
export async function readTutorial(title: string): Promise<TutorialSection> {
  const page = await readFile(path.join(packageRoot, 'docs/plugins.md'), 'utf8');
  const [, section = ''] = page.split(`\n## ${title}\n`);
  const [text = ''] = section.split('\n## ');
  const shell = [...text.matchAll(/```sh\n([^`]*)```/gu)].flatMap(([, lines = '']) => lines.trim().split('\n'));
  const files = [...text.matchAll(/^`([^`\s]+)`:\n\n```\w+\n([^`]*)```/gmu)];
  return { commands: shell, files: Object.fromEntries(files.map(([, name = '', content = '']) => [name, content])) };
}

export async function writeFiles(folder: string, { files }: TutorialSection): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}
