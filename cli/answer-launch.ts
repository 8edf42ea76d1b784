import type { JobSummary } from '../engine/api.js';
import type { CommandContext, ExitCode } from './command.js';
import { followAndAnswer } from './job-answer.js';
import { answer } from './output/report.js';

/** Follows a job that was just launched, or says how to. */
export async function answerLaunch(context: CommandContext, job: JobSummary, wait: boolean): Promise<ExitCode> {
  if (wait) return followAndAnswer(context, job.id);
  await answer(context, job, [job.id]);
  if (!context.resident) {
    await context.terminal.stderr.write('The job waits: "satchel start" or "satchel jobs follow" runs it.\n');
  }
  return 0;
}
