/** How commands speak of a job: while it runs, when it ended, and when they leave it to itself. */
import { fileCount } from '../server/file-count.js';
import { errorCodes, isErrorCode } from '../workflows/contract/errors.js';
import type { JobView } from '../engine/api.js';
import type { CommandContext, ExitCode } from './command.js';
import { showJob } from './output/follow-job.js';
import { isFinal } from './output/job-lines.js';
import { answer } from './output/report.js';
import { createStyler, formatBytes, safeText, table, type Styler } from './output/text.js';

/** Longest list of left-out files on a terminal; --json and the manifest have all. */
const shownSkipped = 20;

/**
 * Shows a job until it ends.
 * @returns its final state, or `undefined` when following was broken off; it was said then how to go on
 */
export async function followJob(context: CommandContext, id: string): Promise<JobView | undefined> {
  const { satchel, user, terminal, signal } = context;
  await satchel.ensureWorking();
  const job = await showJob(satchel.engine.follow(user, id, signal), terminal.stderr).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return undefined;
  });
  if (job && isFinal(job)) return job;
  await terminal.stderr.write(detachedHint(context, id));
  return undefined;
}

/**
 * Follows a job to its end and answers with it.
 * @returns the exit code that tells how it ended; 130 when following was broken off, with the job going on
 */
export async function followAndAnswer(context: CommandContext, id: string): Promise<ExitCode> {
  const job = await followJob(context, id);
  if (!job) {
    await answer(context, { id, state: 'running' }, []);
    return 130;
  }
  await answer(context, job, jobAnswer(job, createStyler(context.terminal.stdout.color)));
  return exitOf(job);
}

export function exitOf(job: Pick<JobView, 'state' | 'error' | 'skipped'>): ExitCode {
  switch (job.state) {
    case 'failed':
      return isErrorCode(job.error?.code) ? errorCodes[job.error.code].exit : 1;
    case 'cancelled':
      return errorCodes.CANCELLED.exit;
    case 'partial':
      return errorCodes.PARTIAL.exit;
    case 'completed':
      return job.skipped.length > 0 ? errorCodes.PARTIAL.exit : 0;
    case 'queued':
    case 'running':
      return 0;
  }
}

function detachedHint({ resident, satchel }: CommandContext, id: string): string {
  const where = resident
    ? 'The job goes on in the Satchel that runs.'
    : 'The job is kept and goes on with the next "satchel start" or "satchel jobs follow".';
  const data = shellWord(satchel.dataFolder);
  return [
    `${where}\n`,
    `  follow it:  satchel --data ${data} jobs follow ${id}\n`,
    `  cancel it:  satchel --data ${data} jobs cancel ${id}\n`,
  ].join('');
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${safeText(text).replaceAll("'", `'\\''`)}'`;
}

/** What is left of a job for a person: archives, mails, what was left out and why. */
export function jobAnswer(job: JobView, style: Styler): string[] {
  const archives = job.archives?.parts ?? [];
  const leftOut = job.archives?.skipped ?? job.skipped;
  const more = leftOut.length - shownSkipped;
  return [
    `${stateWord(job, style)}  ${safeText(job.title)}  ${job.id}`,
    ...(job.error ? [`  ${style.red(safeText(job.error.message))} ${style.dim(`[${job.error.code}]`)}`] : []),
    ...table([
      ...archives.map((part) => [
        '  archive',
        safeText(part.file),
        `${formatBytes(part.size)}, ${fileCount(part)} files`,
      ]),
      ...job.mails.map((mail) => ['  mail', safeText(mail.to), safeText(`${mail.subject} (${mail.state})`)]),
    ]),
    ...table(
      leftOut
        .slice(0, shownSkipped)
        .map(({ path, rendition, reason }) => [
          '  left out',
          safeText(rendition === undefined ? path : `${path} ${rendition}`),
          safeText(reason),
        ]),
    ),
    ...(more > 0 ? [`  … and ${more} more: see the manifest or --json`] : []),
  ];
}

function stateWord(job: JobView, style: Styler): string {
  const { state } = job;
  if (state === 'failed') return style.red(state);
  if (state !== 'completed' && state !== 'partial') return style.yellow(state);
  return exitOf(job) === 0 ? style.green('done') : style.yellow('partly done');
}
