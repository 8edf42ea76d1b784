/** Shows a job on a terminal until it ends. */
import type { JobView } from '../../engine/api.js';
import { createLiveView } from './live-view.js';
import { jobLines, jobRemarks, progressRemarks, waitingRemark, waitsNoticeably } from './job-lines.js';
import { createRateMeter, type RateMeter } from './rate.js';
import { createStyler } from './text.js';
import type { Output } from './terminal.js';

const redrawMilliseconds = 120;
const remarkMilliseconds = 5000;

/**
 * Redraws in place on a terminal, else writes a line per change and how far it is every five seconds.
 * @returns the last view; not a final one when the views ended early, as they do when following was aborted
 */
export async function showJob(views: AsyncIterable<JobView>, output: Output): Promise<JobView | undefined> {
  const meters = new Map<string, RateMeter>();
  const rate = (step: string) => meters.get(step)?.perSecond();
  const show = output.isTerminal ? redrawing(output, rate) : remarking(output, rate);
  let last: JobView | undefined;
  try {
    for await (const job of views) {
      for (const { name, progress, state } of job.steps) {
        if (state !== 'running' || !progress?.bytes) continue;
        const meter = meters.get(name) ?? createRateMeter();
        meters.set(name, meter);
        meter.add(Date.now(), progress.bytes.done);
      }
      last = job;
      await show.changed(job);
    }
  } finally {
    await show.end();
  }
  return last;
}

interface Show {
  changed(job: JobView): Promise<void>;
  end(): Promise<void>;
}

function redrawing(output: Output, rate: (step: string) => number | undefined): Show {
  const view = createLiveView(output);
  const style = createStyler(output.color);
  let job: JobView | undefined;
  // One drawing at a time: a slow terminal skips pictures instead of queueing them.
  let drawing: Promise<void> | undefined;
  const draw = async (): Promise<void> => {
    if (job) await view.draw(jobLines(job, { now: Date.now(), columns: output.columns, style, rate }));
  };
  const timer = setInterval(() => {
    drawing ??= draw().finally(() => (drawing = undefined));
  }, redrawMilliseconds);
  return {
    changed: async (next) => {
      job = next;
    },
    end: async () => {
      clearInterval(timer);
      await drawing;
      await draw();
      await view.end();
    },
  };
}

function remarking(output: Output, rate: (step: string) => number | undefined): Show {
  let current: JobView | undefined;
  let saidWaiting = false;
  const write = (remarks: readonly string[]) => output.write(remarks.map((remark) => `${remark}\n`).join(''));
  const timer = setInterval(() => {
    if (!current) return;
    const waits = waitsNoticeably(current, Date.now());
    const remarks = waits && !saidWaiting ? [waitingRemark] : progressRemarks(current, rate);
    saidWaiting = waits;
    void write(remarks);
  }, remarkMilliseconds);
  return {
    changed: async (job) => {
      const previous = current;
      current = job;
      await write(jobRemarks(previous, job, Date.now()));
    },
    end: async () => clearInterval(timer),
  };
}
