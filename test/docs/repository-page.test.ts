/** The code of docs/repository.md is one program: it runs, and its assertions hold. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('docs/repository.md says what runs', async () => {
  const page = await readFile(path.join(root, 'docs/repository.md'), 'utf8');
  const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  expect(blocks.length).toBe(page.split('\n').filter((line) => line.startsWith('```') && line !== '```').length);
  expect(page.match(/^```/gm)?.length).toBe(2 * blocks.length);
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-page-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const program = blocks.join('\n').replaceAll(/'\.\.\/(repository\/[^']+)\.js'/g, `'${root}$1.ts'`);
  const file = path.join(folder, 'page.ts');
  await writeFile(file, `${program}\nexport const finished = true;\n`);
  expect(await import(/* @vite-ignore */ file)).toMatchObject({ finished: true });
});
