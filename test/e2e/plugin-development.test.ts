/** W3: the tutorial of docs/plugins.md typed into a shell, and changes of the plugin that are live while `satchel dev` runs. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobView } from '../../engine/api.js';
import { readTutorial, writeFiles } from '../support/tutorial.js';
import { createSatchelWorld, type SatchelWorld } from './support/satchel-world.js';

let world: SatchelWorld;
beforeAll(async () => {
  world = await createSatchelWorld();
});
afterAll(() => world.close());

const content = '/content/dam/aurora';

async function countOf(): Promise<unknown> {
  const job = (await world.satchel.json(['download', content])) as JobView;
  expect(job.state).toBe('completed');
  return job.steps.find(({ name }) => name === 'count');
}

it('leads to a step that a tenant’s downloads run, whose changes are live without a restart', async () => {
  const { satchel, folder } = world;
  const section = await readTutorial('Your first plugin');
  await sharp({ create: { width: 32, height: 32, channels: 3, background: '#a40' } }).toFile(
    path.join(folder, 'a.jpg'),
  );
  await writeFile(path.join(folder, 'b.txt'), 'a text');
  await satchel.run(['tenant', 'create', 'aurora', '--content', content, '--create-folders']);
  const run = async (command: string) => {
    const [program, ...args] = command.split(' ');
    expect(program).toBe('satchel');
    return satchel.run(args, { cwd: folder });
  };
  const [create = '', develop, ...look] = section.commands;
  await run(create);
  await writeFiles(folder, section);
  expect(develop).toBe('satchel dev');
  await world.start('dev');
  const shown = await Promise.all(look.map(run));
  expect(shown.map(({ stdout }) => stdout)).toEqual([
    expect.stringContaining('acme-count'),
    expect.stringMatching(/count.*\/conf\/aurora/s),
  ]);

  await satchel.run(['upload', path.join(folder, 'a.jpg'), path.join(folder, 'b.txt'), '--to', content]);
  expect(await countOf()).toMatchObject({ title: 'Count the photographs', result: { files: 1 } });

  const overlay = path.join(folder, Object.keys(section.files).find((name) => name.startsWith('acme-count/')) ?? '');
  await writeFile(overlay, (await readFile(overlay, 'utf8')).replace('".jpg"', '""'));
  await expect.poll(countOf, { timeout: 60_000, interval: 500 }).toMatchObject({ result: { files: 2 } });

  const step = path.join(folder, 'acme-count/step.ts');
  const source = await readFile(step, 'utf8');
  await writeFile(
    step,
    source.replace('name.endsWith(config.ending)).length', 'name.endsWith(config.ending)).length * 100'),
  );
  await expect.poll(countOf, { timeout: 60_000, interval: 500 }).toMatchObject({ result: { files: 200 } });
}, 240_000);
