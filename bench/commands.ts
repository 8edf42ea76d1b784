/**
 * What a command costs by itself: one that a running `satchel start` answers, and one that opens the data folder, against
 * a Node that does nothing.
 */
import { writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { satchelCommands } from '../cli/demo/satchel-process.js';
import { packageRoot } from '../package-root.js';
import { formatTable, median } from './measure.js';

const rounds = 11;

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function measureCommands(folder: string, signal: AbortSignal): Promise<void> {
  const mainFile = path.join(packageRoot, 'dist', 'cli', 'main.js');
  const dataFolder = path.join(folder, 'data');
  const hook = path.join(folder, 'report-cpu.cjs');
  // The processor time of a process is best asked of itself, at its end.
  await writeFile(
    hook,
    "process.on('exit', () => require('node:fs').writeSync(3, JSON.stringify(process.cpuUsage())));\n",
  );
  const list = [mainFile, '--data', dataFolder, 'jobs', 'list'];
  console.log(`commands: ${rounds} rounds, medians`);
  // Imports the content folders; what is measured is a folder that has them.
  await costOf(hook, list);

  const node: Cost[] = [];
  const opened: Cost[] = [];
  const help: Cost[] = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    node.push(await costOf(hook, ['-e', '0']));
    help.push(await costOf(hook, [mainFile, '--help']));
    opened.push(await costOf(hook, list));
  }
  const running = await satchelCommands(mainFile, dataFolder).start();
  const called: Cost[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      node.push(await costOf(hook, ['-e', '0']));
      called.push(await costOf(hook, list));
    }
  } finally {
    await running.stop();
  }

  const [bare, ...costs] = [node, help, called, opened].map((all) => ({
    wall: median(all.map(({ wallMs }) => wallMs)),
    cpu: median(all.map(({ cpuMs }) => cpuMs)),
  }));
  const names = ['satchel --help', 'satchel jobs list, through a running one', 'satchel jobs list, opening the folder'];
  const rows = costs.map(({ wall, cpu }, index) => [
    names[index] ?? '',
    `${cpu.toFixed(0)} ms`,
    (cpu / (bare?.cpu ?? NaN)).toFixed(1),
    `${wall.toFixed(0)} ms`,
    (wall / (bare?.wall ?? NaN)).toFixed(1),
  ]);
  const first = ['node -e 0', `${bare?.cpu.toFixed(0)} ms`, '1.0', `${bare?.wall.toFixed(0)} ms`, '1.0'];
  console.log(formatTable([['', 'CPU', 'node = 1', 'wall', 'node = 1'], first, ...rows]));
}

async function costOf(hook: string, args: readonly string[]): Promise<Cost> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--require', hook, ...args], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  let usage = '';
  let said = '';
  child.stdio[3]?.on('data', (chunk: Buffer) => (usage += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const wallMs = performance.now() - started;
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code ?? 'a signal'}: ${said}`);
  const { user, system } = JSON.parse(usage) as NodeJS.CpuUsage;
  return { wallMs, cpuMs: (user + system) / 1000 };
}
