import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testExamples } from '../../activities/test-step.js';
import { deliverStep } from '../../activities/dam/deliver.js';
import { generateRenditionsStep } from '../../activities/dam/generate-renditions.js';
import { packageStep } from '../../activities/dam/package.js';
import { planDownloadStep } from '../../activities/dam/plan-download.js';
import { renderStep } from '../../activities/dam/render.js';
import { pluginNameProblem } from '../../engine/scaffold-plugin.js';
import { packageRoot } from '../../package-root.js';
import { createCommandWorld } from '../cli/command-world.js';
import { pluginNew } from '../cli/plugin-new.js';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-plugin-new-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('satchel plugin new', () => {
  it('makes a plugin that type-checks and whose test passes', async () => {
    const folder = await temporaryFolder();
    expect(await pluginNew(folder, 'acme-count')).toMatchObject({ code: 0 });
    const plugin = path.join(folder, 'acme-count');
    // What `npm install` would bring; satchel/sdk is the source of this checkout.
    await symlink(path.join(packageRoot, 'node_modules'), path.join(plugin, 'node_modules'));
    const alias = path.join(packageRoot, 'activities/sdk.ts');
    const config = JSON.parse(await readFile(path.join(plugin, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: object;
    };
    const paths = { 'satchel/sdk': [alias] };
    const rules = {
      ...config.compilerOptions,
      paths,
      exactOptionalPropertyTypes: true,
      lib: ['ES2023', 'ES2024.String'],
    };
    await writeFile(path.join(plugin, 'tsconfig.test.json'), JSON.stringify({ ...config, compilerOptions: rules }));
    const vite = `export default { resolve: { alias: { 'satchel/sdk': ${JSON.stringify(alias)} } } };`;
    await writeFile(path.join(plugin, 'vitest.config.mjs'), vite);
    const run = (script: string, ...args: string[]) =>
      promisify(execFile)(process.execPath, [path.join(packageRoot, 'node_modules', script), ...args], {
        cwd: plugin,
      }).catch((error: unknown) => {
        // What the program printed says more than its exit code.
        const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
        throw new Error(`${script}: ${stdout}${stderr}`, { cause: error });
      });
    await run('typescript/bin/tsc', '-p', 'tsconfig.test.json');
    const { stdout } = await run('vitest/vitest.mjs', 'run');
    expect(stdout).toMatch(/2 passed/);
  });

  it('overwrites nothing, and takes only names that packages and steps may have', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'mine'));
    const again = await pluginNew(folder, 'mine');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be made') as string });
    for (const name of ['../x', 'Upper', 'a_b', '-a', 'a--b', 'dam', '@a/b', 'a'.repeat(61)])
      expect(pluginNameProblem(name), name).toBeDefined();
    expect(pluginNameProblem('acme-count-2')).toBeUndefined();
  });
});

const manifest = (name: string, satchel: object, keywords = ['satchel-plugin']) =>
  JSON.stringify({ name, version: '1.2.3', keywords, satchel });

describe('plugins of an installation', () => {
  it('are found without running them, allowed by name, and bring content, templates, models and launchers', async () => {
    const step = `import { defineStep, z } from 'satchel/sdk';
      export const step = defineStep({ id: 'acme/x', title: 'X', description: 'Says x.', config: z.strictObject({ size: z.int().min(1).default(3) }),
        result: z.null(), examples: [], run: async () => null });`;
    const files: Readonly<Record<string, string>> = {
      'data/satchel.json': JSON.stringify({ plugins: ['@acme/good'] }),
      'data/node_modules/@acme/good/package.json': manifest('@acme/good', {
        apiVersion: 1,
        steps: ['step.ts'],
        content: ['content'],
        models: ['models'],
        launchers: ['launchers'],
      }),
      'data/node_modules/@acme/good/step.ts': step,
      'data/node_modules/@acme/good/content/hello.txt': 'hello',
      'data/node_modules/@acme/good/models/acme/x/.content.json': JSON.stringify({
        'jcr:primaryType': 'satchel:WorkflowModel',
        x: { 'jcr:primaryType': 'satchel:WorkflowStep', step: 'acme/x' },
      }),
      'data/node_modules/@acme/good/launchers/acme-x/.content.json': JSON.stringify({
        'jcr:primaryType': 'satchel:WorkflowLauncher',
        events: ['added'],
        glob: '/content/dam',
        model: 'acme/x',
      }),
      'data/plugins/hostile/package.json': manifest('hostile', { apiVersion: 1, steps: ['step.ts'] }),
      'data/plugins/hostile/step.ts': `throw new Error('it ran');`,
      'data/plugins/old/package.json': manifest('old', { apiVersion: 2 }),
      'data/node_modules/other/package.json': JSON.stringify({ name: 'other', version: '1.0.0' }),
    };
    const world = await createCommandWorld(async (folder) => {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
        await writeFile(path.join(folder, name), text);
      }
    });
    onTestFinished(() => world.close());
    expect(await world.json('plugin', 'list')).toMatchObject({
      code: 0,
      document: {
        plugins: [
          { name: '@acme/good', version: '1.2.3', allowed: true, loaded: true, steps: ['acme/x'] },
          { name: 'hostile', allowed: false, loaded: false, steps: [] },
          { name: 'old', loaded: false, problem: expect.stringContaining('satchel.apiVersion: must be 1') as string },
        ],
      },
    });
    expect(world.satchel.contentReports.flatMap(({ problems }) => problems)).toEqual([]);
    expect(await world.run('get', '/apps/good/hello.txt')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nt:file') as string,
    });
    expect((await world.run('launcher', 'list')).stdout).toMatch(/acme-x +enabled +acme\/x/);
    expect(await world.json('step', 'show', 'acme/x')).toMatchObject({
      document: {
        id: 'acme/x',
        major: 1,
        config: {
          type: 'object',
          properties: { size: { type: 'integer', minimum: 1, default: 3 } },
          additionalProperties: false,
        },
        result: { type: 'null' },
      },
    });
    expect(await world.run('step', 'show', 'acme/y')).toMatchObject({ code: 2 });
    const { document } = await world.json('step', 'list');
    expect((document as { steps: { id: string }[] }).steps.map(({ id }) => id)).toContain('dam/render');
  });
});

describe('examples of the built-in steps', () => {
  const files = { tree: { '/content/dam/a.txt': Buffer.from('a') }, download: { paths: ['/content/dam/a.txt'] } };
  it.each([planDownloadStep, renderStep, packageStep])('$id', async (step) => {
    expect(await testExamples(step, files)).toEqual(step.examples.map(({ title }) => title));
  });
  it('dam/deliver', async () => {
    const { examples } = deliverStep;
    expect(await testExamples(deliverStep, { ...files, after: [packageStep] })).toHaveLength(examples.length);
  });
  it('dam/generate-renditions', async () => {
    const { examples } = generateRenditionsStep;
    expect(await testExamples(generateRenditionsStep, { tree: files.tree })).toHaveLength(examples.length);
  });
});
