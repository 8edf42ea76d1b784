#!/usr/bin/env node
/**
 * The door of a fresh clone: `npm run demo`, `npm test` and the others all come through here, and each first makes sure
 * that what it needs is there: a new enough Node, the dependencies of the lockfile, an up-to-date build.
 * Plain JavaScript on purpose: it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [task = 'help', ...args] = process.argv.slice(2);

/** Rooms that compile to `dist`, and what else decides the build. */
const sources = [
  'repository',
  'dam',
  'workflows',
  'activities',
  'engine',
  'server',
  'cli',
  'bench',
  'compose.ts',
  'package-root.ts',
];
const buildInputs = [...sources, 'scripts', 'tsconfig.json', 'package-lock.json'];

function fail(message) {
  console.error(`satchel: ${message}`);
  process.exit(1);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 20)) {
    fail(`Node ${process.versions.node} is too old: install Node 20.20 or newer (22 and 24 work too).`);
  }
}

/** Runs a program in the foreground. @returns its exit code */
function run(command, commandArgs, options = {}) {
  const result = spawnSync(command, commandArgs, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) fail(`${command} does not start: ${result.error.message}`);
  return result.status ?? 1;
}

/** A tool of the dependencies, by its script, so that neither a shell nor npx is needed. */
function tool(name, script, toolArgs, options) {
  return run(process.execPath, [path.join(root, 'node_modules', name, script), ...toolArgs], options);
}

function hashOf(paths) {
  const hash = createHash('sha256').update(process.versions.modules);
  const visit = (relative) => {
    const absolute = path.join(root, relative);
    if (!existsSync(absolute)) return;
    let names;
    try {
      names = readdirSync(absolute, { withFileTypes: true });
    } catch {
      hash.update(`${relative}\0`).update(readFileSync(absolute));
      return;
    }
    for (const entry of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory() || /\.(ts|mjs|cjs|json)$/.test(entry.name)) visit(path.join(relative, entry.name));
    }
  };
  paths.forEach(visit);
  return hash.digest('hex');
}

function stampMatches(file, value) {
  return existsSync(file) && readFileSync(file, 'utf8') === value;
}

function ensureDependencies() {
  const stamp = path.join(root, 'node_modules', '.satchel-lockfile');
  const wanted = hashOf(['package-lock.json']);
  if (stampMatches(stamp, wanted)) return;
  console.error('satchel: installing dependencies from the lockfile …');
  // npm sets npm_execpath for scripts it runs, also on Windows, where `npm` is a batch file.
  const npm = process.env.npm_execpath;
  const npmArgs = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = npm?.endsWith('.js') ? run(process.execPath, [npm, ...npmArgs]) : run('npm', npmArgs);
  if (status !== 0)
    fail('dependencies could not be installed: see the message of npm above, then run the command again.');
  writeFileSync(stamp, wanted);
}

function ensureBuild() {
  const stamp = path.join(root, 'dist', '.stamp');
  const wanted = hashOf(buildInputs);
  if (stampMatches(stamp, wanted)) return;
  console.error('satchel: building …');
  // Files of renamed modules must not stay behind; the compiler's incremental record would not know.
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  mkdirSync(path.join(root, 'dist'), { recursive: true });
  if (tool('typescript', 'bin/tsc', ['-p', 'tsconfig.json']) !== 0) fail('the build failed: see the messages above.');
  if (run(process.execPath, ['scripts/build-workflows.mjs']) !== 0) fail('the workflow bundle could not be built.');
  writeFileSync(stamp, wanted);
}

function check() {
  const steps = [
    ['format', () => tool('prettier', 'bin/prettier.cjs', ['--check', '--log-level=warn', '.'])],
    ['types', () => tool('typescript', 'bin/tsc', ['-p', 'tsconfig.check.json'])],
    ['lint', () => tool('eslint', 'bin/eslint.js', ['--max-warnings=0', '.'])],
    [
      'dependency directions',
      () =>
        tool('dependency-cruiser', 'bin/dependency-cruise.mjs', [
          '--config=.dependency-cruiser.cjs',
          '--output-type=err',
          ...sources,
          'test',
          'examples',
        ]),
    ],
    ['unused code', () => tool('knip', 'bin/knip.js', ['--no-progress'])],
  ];
  const failed = steps.filter(([name, step]) => {
    const started = Date.now();
    const ok = step() === 0;
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    return !ok;
  });
  return failed.length === 0 ? 0 : 1;
}

/** Runs vitest and closes with one plain line that machines read too: 'N passed, N failed, N skipped'. */
function test() {
  const report = path.join(root, 'node_modules', '.cache', 'test-report.json');
  rmSync(report, { force: true });
  mkdirSync(path.dirname(report), { recursive: true });
  const status = tool('vitest', 'vitest.mjs', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...args,
  ]);
  if (!existsSync(report)) return status || 1;
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'));
  console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`);
  return status;
}

const tasks = {
  build: () => 0,
  check,
  test,
  demo: () => run(process.execPath, ['dist/cli/main.js', 'demo', ...args]),
  satchel: () =>
    run(process.execPath, [path.join(root, 'dist/cli/main.js'), ...args], { cwd: process.env.INIT_CWD ?? root }),
  bench: () => run(process.execPath, ['--expose-gc', 'dist/bench/main.js', ...args]),
};

requireNode();
if (!Object.hasOwn(tasks, task)) fail(`unknown task "${task}"; there are ${Object.keys(tasks).join(', ')}.`);
ensureDependencies();
if (task !== 'check') ensureBuild();
process.exit(tasks[task]());
