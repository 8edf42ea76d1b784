import { describe, expect, it } from 'vitest';
import { showJob } from '../../cli/output/follow-job.js';
import { jobLines, jobRemarks } from '../../cli/output/job-lines.js';
import { createRateMeter } from '../../cli/output/rate.js';
import { createStyler, displayWidth } from '../../cli/output/text.js';
import type { JobStep, JobView } from '../../engine/api.js';
import { recordingTerminal } from './recording-terminal.js';

const started = '2025-01-01T00:00:00.000Z';
const plan: JobStep = {
  name: 'plan',
  id: 'dam/plan-download',
  title: 'Plan the download',
  layer: '/libs',
  state: 'completed',
  started,
  ended: '2025-01-01T00:00:00.500Z',
};
const render: JobStep = {
  name: 'render',
  id: 'dam/render',
  title: 'Make renditions',
  layer: '/libs',
  state: 'waiting',
};
const running: JobStep = {
  ...render,
  state: 'running',
  started,
  progress: { files: { done: 31, total: 64 }, bytes: { done: 3 * 1024 ** 2, total: 12 * 1024 ** 2 } },
};

function job(state: JobView['state'], ...steps: JobStep[]): JobView {
  return {
    id: 'j1',
    model: 'dam/download-asset',
    title: 'Lookbook',
    state,
    initiator: 'ada',
    tenant: 'aurora',
    created: started,
    payload: '/var/dam/downloads/j1',
    waiting: false,
    steps,
    archives: undefined,
    skipped: [],
    mails: [],
    metadata: {},
    comments: [],
    children: {},
  };
}

const picture = (columns: number) => ({
  now: Date.parse(started) + 3000,
  columns,
  style: createStyler(false),
  rate: () => 1024 ** 2,
});

describe('jobLines', () => {
  it('shows each step with state, bar, figures, rate and time', () => {
    const [head, first, second] = jobLines(job('running', plan, running), picture(120));
    expect(head).toBe('Lookbook  j1  aurora');
    expect(first).toMatch(/^ {2}✔ Plan the download .* 0\.5 s$/);
    expect(second).toMatch(/Make renditions +█{5} +31 of 64 files · 3\.0 MiB of 12\.0 MiB · 1\.0 MiB\/s +3\.0 s$/);
  });

  it('speaks of waiting for Temporal when it takes longer than a moment', () => {
    const waiting = { ...job('queued', render), waiting: true };
    const said = (milliseconds: number) =>
      jobLines(waiting, { ...picture(120), now: Date.parse(started) + milliseconds })
        .join()
        .includes('waits for');
    expect([said(500), said(3000)]).toEqual([false, true]);
  });

  it('is never wider than the terminal', () => {
    const retrying = { ...running, title: '写真を作る'.repeat(9), retrying: { attempt: 2, message: 'x'.repeat(300) } };
    const failed: JobStep = {
      ...render,
      state: 'failed',
      started,
      error: { code: 'STEP_FAILED', message: 'y'.repeat(300) },
    };
    for (const columns of [40, 60, 80, 200]) {
      for (const line of jobLines(job('running', plan, retrying, failed), picture(columns))) {
        expect(displayWidth(line)).toBeLessThan(columns);
      }
    }
  });
});

describe('jobRemarks', () => {
  it('names each change once', () => {
    const now = Date.parse(started) + 2000;
    const first = job('running', plan, render);
    const second = job('running', plan, running);
    expect(jobRemarks(undefined, first, now)).toEqual([
      'Lookbook j1 for tenant aurora: running',
      'Plan the download: completed after 0.5 s',
    ]);
    expect(jobRemarks(first, second, now)).toEqual(['Make renditions: started']);
    expect(jobRemarks(second, second, now)).toEqual([]);
  });
});

describe('showJob', () => {
  async function* views(...all: JobView[]): AsyncGenerator<JobView> {
    yield* all;
  }

  it('writes plain lines without escapes where it cannot redraw', async () => {
    const terminal = recordingTerminal();
    const last = await showJob(views(job('running', plan, running), job('completed', plan)), terminal.stderr);
    expect(last?.state).toBe('completed');
    expect(terminal.written.stderr).toContain('Make renditions: started\n');
    expect(terminal.written.stderr).not.toContain('\u001b');
    expect(terminal.written.stdout).toBe('');
  });

  it('leaves the last picture and the cursor on a terminal', async () => {
    const terminal = recordingTerminal({ isTerminal: true, columns: 100 });
    await showJob(views(job('running', plan, running), job('completed', plan)), terminal.stderr);
    expect(terminal.written.stderr).toContain('✔ Plan the download');
    expect(terminal.written.stderr.endsWith('\u001b[?25h')).toBe(true);
  });
});

describe('createRateMeter', () => {
  it('averages over the last five seconds, and begins anew when the total shrinks', () => {
    const meter = createRateMeter();
    meter.add(0, 0);
    expect(meter.perSecond()).toBeUndefined();
    meter.add(1000, 500);
    expect(meter.perSecond()).toBe(500);
    for (let second = 2; second <= 10; second += 1) meter.add(second * 1000, 500 + (second - 1) * 100);
    expect(meter.perSecond()).toBe(100);
    meter.add(11_000, 10);
    expect(meter.perSecond()).toBeUndefined();
  });
});
