/** A store written outside this checkout: the package's entries, types and suites are all that it needs. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from './world.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const entries = ['repository/conformance/conformance.ts', 'repository/stores.ts'];
const exec = promisify(execFile);

it('passes the suite that the documentation shows, in a project that has only the built package', async () => {
  const project = await temporaryFolder();
  await installPackage(project);
  for (const dependency of ['vitest', 'fast-check', '@types/node'])
    await link(join(root, 'node_modules', dependency), join(project, 'node_modules', dependency));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
  await copyFile(join(root, 'test/support/memory-store.ts'), join(project, 'memory-store.ts'));
  await writeFile(join(project, 'stores.test.ts'), await exampleOf('docs/stores.md'));

  const strict = {
    target: 'ES2023',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: strict }));
  await run('typescript/bin/tsc', ['-p', '.'], project);

  const report = join(project, 'report.json');
  await run('vitest/vitest.mjs', ['run', '--reporter=json', `--outputFile=${report}`], project);
  const { numPassedTests, numTotalTests } = JSON.parse(await readFile(report, 'utf8')) as Record<string, number>;
  expect(numPassedTests).toBe(numTotalTests);
  // Both suites were declared; how many tests they have is theirs to say.
  expect(numTotalTests).toBeGreaterThan(30);
});

/** Builds what the entries need into the place where `npm install satchel` would put it. */
async function installPackage(project: string): Promise<void> {
  const folder = join(project, 'node_modules', 'satchel');
  await mkdir(folder, { recursive: true });
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      rootDir: root,
      outDir: join(folder, 'dist'),
      incremental: false,
      tsBuildInfoFile: null,
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: entries.map((entry) => join(root, entry)),
    include: [],
  };
  await writeFile(join(project, 'tsconfig.build.json'), JSON.stringify(config));
  await run('typescript/bin/tsc', ['-p', 'tsconfig.build.json'], project);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await symlink(target, path, 'junction');
}

/** The one example in TypeScript of a page. */
async function exampleOf(page: string): Promise<string> {
  const [, code] = /```ts\n([^]*?)```/.exec(await readFile(join(root, page), 'utf8')) ?? [];
  if (code === undefined) throw new Error(`${page} shows no example`);
  return code;
}

async function run(script: string, args: readonly string[], cwd: string): Promise<void> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  try {
    await exec(process.execPath, [join(root, 'node_modules', script), ...args], { cwd, env: environment });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${script} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
