import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { document, problemsOf } from './template-files.js';

// In a file of its own: mjml must not have been loaded before.
it('runs no code that a .mjmlconfig in the working directory names', async () => {
  const home = process.cwd();
  const folder = await mkdtemp(join(tmpdir(), 'satchel-mjml-'));
  try {
    await writeFile(join(folder, '.mjmlconfig'), '{ "packages": ["./component.js"] }');
    await writeFile(join(folder, 'component.js'), 'process.env.SATCHEL_TEST_RAN = "yes"; module.exports = {};');
    process.chdir(folder);
    expect(await problemsOf({ body: document('<mj-text>a</mj-text>') }, {})).toEqual([]);
    expect(process.env['SATCHEL_TEST_RAN']).toBeUndefined();
  } finally {
    process.chdir(home);
    await rm(folder, { recursive: true, force: true });
  }
});
