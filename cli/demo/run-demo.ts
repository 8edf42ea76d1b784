/** The main job, end to end: `satchel demo`. */
import path from 'node:path';
import { packageRoot } from '../../package-root.js';
import { acts, playActs, type Stage } from './acts.js';
import { addUsers, installContent, prepareData, prepareFolder } from './prepare.js';
import { stepMilliseconds, writeIndex, writeSummary, type DemoRun } from './report.js';
import { satchelCommands, type RunningSatchel } from './satchel-process.js';

export interface DemoOptions {
  /** A content package to show it with; `undefined`: pictures that the demo draws. */
  readonly packageFile: string | undefined;
  /** Where everything goes; made when missing. */
  readonly out: string;
  /** Default: those of the environment. */
  readonly runModes?: readonly string[] | undefined;
  readonly print: (line: string) => void;
}

export interface DemoResult {
  readonly running: RunningSatchel;
  readonly dataFolder: string;
}

/**
 * Plays the acts and writes `index.html` and `summary.json`. The process is left running, for the caller to stop.
 * @throws SatchelError OUT_FOLDER, NOTHING_SELECTED; Error with the output of a command that failed
 */
export async function runDemo({ packageFile, out, runModes, print }: DemoOptions): Promise<DemoResult> {
  await prepareFolder(out);
  const dataFolder = await prepareData(out, packageRoot);
  const satchel = satchelCommands(path.join(packageRoot, 'dist', 'cli', 'main.js'), dataFolder, {
    ...(runModes && { SATCHEL_RUN_MODES: runModes.join(',') }),
  });
  print('Starting Satchel: content repository, Temporal server, worker, mailbox, web pages …');
  const running = await satchel.start();
  let stage: Stage | undefined;
  try {
    const folders = await installContent(satchel, out, packageFile);
    await addUsers(satchel);
    stage = { satchel, folders, out, running, runs: [], print };
    await playActs(stage);
    await writeSummary(out, stage.runs);
    await writeIndex(out, acts, stage.runs);
    printTable(stage.runs, print);
    return { running: stage.running, dataFolder };
  } catch (error) {
    await (stage?.running ?? running).stop();
    throw error;
  }
}

function printTable(runs: readonly DemoRun[], print: (line: string) => void): void {
  print('\n━━ What it left\n');
  for (const { act, job, archives, mails } of runs) {
    print(`${act}  ${job.tenant.padEnd(12)} ${job.model}  ${job.state}  ${job.id}`);
    const steps = job.steps.map((step) => `${step.id} ${stepMilliseconds(step)} ms (${step.layer})`);
    print(`     steps    ${steps.join(' · ')}`);
    for (const { file, bytes, entries, skipped } of archives) {
      const left = skipped.length > 0 ? `, ${skipped.length} left out (named in its manifest)` : '';
      print(`     archive  ${file}  ${entries} entries, ${bytes.toLocaleString('en')} bytes${left}`);
    }
    for (const { subject, to, locale, file } of mails) print(`     mail     ${subject} → ${to} (${locale})  ${file}`);
  }
}
