import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStepRegistry } from '../../activities/registry.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { loadPlugin, registerPlugin } from '../../engine/plugins.js';

const stepSource = (id: string, title = 'A step') => `
  import { defineStep, z } from 'satchel/sdk';
  export const step: ReturnType<typeof defineStep> = defineStep({
    id: '${id}', title: '${title}', description: '', config: z.strictObject({}), result: z.null(),
    examples: [], run: async () => null,
  });
`;

describe('loadPlugin', () => {
  let folder: string;
  let cache: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'satchel-plugin-'));
    cache = join(folder, 'cache');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = async (files: Readonly<Record<string, string>>, name = 'plugin') => {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    return join(folder, name);
  };
  const manifest = (steps: readonly string[], more: object = {}) =>
    JSON.stringify({ name: 'acme', type: 'module', satchel: { apiVersion: 1, steps, ...more } });

  it('loads TypeScript with what it imports, on the running Satchel’s own classes', async () => {
    const plugin = await loadPlugin(
      await write({
        'package.json': manifest(['steps/stamp.ts'], { overlays: ['overlays'] }),
        'steps/stamp.ts': `
          import { readFile } from 'node:fs/promises';
          import picomatch from 'picomatch';
          import { z as ownZod } from 'zod';
          import { defineStep, SatchelError, z } from 'satchel/sdk';
          import { title } from './title.js';
          export const stamp = defineStep({
            id: 'acme/stamp', title, description: '', config: z.strictObject({ text: z.string() }), result: z.boolean(),
            examples: [],
            run: async ({ config }) => {
              if (config.text === '') throw new SatchelError('INVALID_REQUEST', 'no text');
              return picomatch('*.png')('a.png') && ownZod === z && typeof readFile === 'function';
            },
          });`,
        'steps/title.ts': `export const title: string = 'Stamp it';`,
      }),
      cache,
    );
    expect(plugin).toMatchObject({ name: 'acme', overlays: [join(folder, 'plugin', 'overlays')] });
    const [stamp] = plugin.steps;
    expect(stamp).toMatchObject({
      step: { id: 'acme/stamp', title: 'Stamp it' },
      file: join(folder, 'plugin/steps/stamp.ts'),
    });
    await expect(stamp?.step.run({ config: { text: 'x' } } as never)).resolves.toBe(true);
    await expect(stamp?.step.run({ config: { text: '' } } as never)).rejects.toBeInstanceOf(SatchelError);
  });

  it('loads the newer version of a changed file', async () => {
    const registry = createStepRegistry();
    for (const title of ['First', 'Second']) {
      const path = await write({ 'package.json': manifest(['step.ts']), 'step.ts': stepSource('acme/step', title) });
      registerPlugin(registry, await loadPlugin(path, cache));
      expect(registry.list().map(({ step }) => step.title)).toEqual([title]);
    }
  });

  it('keeps the good version when another plugin defines the same step', async () => {
    const registry = createStepRegistry();
    for (const name of ['one', 'two']) {
      const path = await write({ 'package.json': manifest(['step.ts']), 'step.ts': stepSource('acme/step') }, name);
      const plugin = await loadPlugin(path, cache);
      if (name === 'one') registerPlugin(registry, plugin);
      else {
        expect(() => registerPlugin(registry, plugin)).toThrow(
          /acme\/step@1 is defined twice: .*one.step\.ts and in .*two.step\.ts/,
        );
      }
    }
    expect(registry.list().map(({ file }) => file)).toEqual([join(folder, 'one', 'step.ts')]);
  });

  it.each([
    { title: 'no package.json', files: {}, message: /package\.json: ENOENT/ },
    {
      title: 'a package.json that is no plugin’s',
      files: { 'package.json': '{"name": "x"}' },
      message: /package\.json: satchel/,
    },
    {
      title: 'another interface version',
      files: { 'package.json': '{"name":"x","satchel":{"apiVersion":2}}' },
      message: /apiVersion: must be 1/,
    },
    {
      title: 'a step outside the plugin',
      files: { 'package.json': manifest(['../other.ts']) },
      message: /satchel\.steps\.0: must be a path below/,
    },
    {
      title: 'a missing step file',
      files: { 'package.json': manifest(['gone.ts']) },
      message: /gone\.ts: there is no such file/,
    },
    {
      title: 'a syntax error',
      files: { 'package.json': manifest(['step.ts']), 'step.ts': 'const fine = 1;\nconst = 2;\n' },
      message: /step\.ts:2: Expected identifier/,
    },
    {
      title: 'a package nobody has',
      files: { 'package.json': manifest(['step.ts']), 'step.ts': `import 'no-such-package-at-all';` },
      message: /step\.ts:1: the package "no-such-package-at-all" is not installed/,
    },
    {
      title: 'a definition that breaks the rules',
      files: { 'package.json': manifest(['step.ts']), 'step.ts': stepSource('NoNamespace') },
      message: /step\.ts: Step "NoNamespace": id must look like/,
    },
    {
      title: 'no step in the file',
      files: { 'package.json': manifest(['step.ts']), 'step.ts': 'export const step = {};' },
      message: /step\.ts: it exports no step/,
    },
  ])('refuses a plugin with $title', async ({ files, message }) => {
    await expect(loadPlugin(await write(files), cache)).rejects.toMatchObject({
      code: 'PLUGIN_NOT_LOADED',
      message: expect.stringMatching(message) as string,
    });
  });
});
