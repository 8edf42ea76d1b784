/** A job as a person follows it: as lines drawn again in place, and as single remarks where nothing can be redrawn. */
import type { JobStep, JobView } from '../../engine/api.js';
import { bar, displayWidth, fit, formatBytes, formatDuration, padEnd, safeText, type Styler } from './text.js';

export interface JobPicture {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly columns: number;
  readonly style: Styler;
  /** Bytes per second of a step, by its node name. */
  readonly rate: (step: string) => number | undefined;
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const barColumns = 20;
const titleColumns = 28;

/** Every request waits for a moment; people hear of it when it takes longer. */
const noticeableMilliseconds = 2000;
export const waitingRemark = 'waits for the Temporal server';

export function waitsNoticeably({ waiting, created }: JobView, now: number): boolean {
  return waiting && now - Date.parse(created) > noticeableMilliseconds;
}

export function isFinal(job: Pick<JobView, 'state'>): boolean {
  return job.state !== 'queued' && job.state !== 'running';
}

/** The whole job in a few lines, none wider than the terminal. */
export function jobLines(job: JobView, picture: JobPicture): string[] {
  const { style, columns } = picture;
  const head = fit(safeText(`${job.title}  ${job.id}  ${job.tenant}`), columns - 1);
  const waiting = waitsNoticeably(job, picture.now) ? [style.yellow(fit(`  ${waitingRemark}`, columns - 1))] : [];
  return [style.bold(head), ...waiting, ...job.steps.flatMap((step) => stepLines(step, picture))];
}

function stepLines(step: JobStep, picture: JobPicture): string[] {
  const { style, now, columns } = picture;
  const [symbol, paint] = symbolOf(step, picture);
  const title = padEnd(fit(safeText(step.title), titleColumns), titleColumns);
  const elapsed = elapsedOf(step, now);
  const time = elapsed === undefined ? '' : formatDuration(elapsed);
  const fixed = `  ${symbol} ${title} `;
  const room = columns - 1 - displayWidth(fixed) - displayWidth(time) - 1;
  const amount = amountOf(step);
  const drawBar = step.state === 'running' && amount !== undefined && room >= barColumns + 12;
  const facts = safeText(factsOf(step, picture.rate(step.name)));
  const middle = drawBar
    ? `${bar(amount.done, amount.total, barColumns)} ${padEnd(fit(facts, room - barColumns - 1), room - barColumns - 1)}`
    : padEnd(fit(facts, Math.max(0, room)), Math.max(0, room));
  const styled = drawBar
    ? style.cyan(middle.slice(0, barColumns)) + middle.slice(barColumns)
    : step.state === 'failed'
      ? style.red(middle)
      : style.dim(middle);
  const line = `  ${paint(symbol)} ${step.state === 'waiting' ? style.dim(title) : title} ${styled} ${style.dim(time)}`;
  const note = noteOf(step);
  return note === undefined ? [line] : [line, style.yellow(fit(`      ${safeText(note)}`, columns - 1))];
}

function symbolOf(step: JobStep, { style, now }: JobPicture): [string, (text: string) => string] {
  switch (step.state) {
    case 'waiting':
      return ['·', style.dim];
    case 'running':
      return [spinner[Math.floor(now / 100) % spinner.length] ?? '⠋', style.cyan];
    case 'completed':
      return ['✔', style.green];
    case 'failed':
      return ['✘', style.red];
    case 'cancelled':
      return ['■', style.yellow];
    case 'skipped':
      return ['–', style.dim];
    case 'compensated':
      return ['↺', style.yellow];
  }
}

function elapsedOf(step: JobStep, now: number): number | undefined {
  if (step.started === undefined) return undefined;
  return (step.ended === undefined ? now : Date.parse(step.ended)) - Date.parse(step.started);
}

/** The amount a bar shows: bytes where they are known, else files, else chunks. */
function amountOf(step: JobStep): { readonly done: number; readonly total: number } | undefined {
  return [step.progress?.bytes, step.progress?.files, step.chunks].find((amount) => (amount?.total ?? 0) > 0);
}

/** `31 of 64 files · 12 MiB of 30 MiB · 4.1 MiB/s` */
function factsOf(step: JobStep, rate: number | undefined): string {
  if (step.state === 'failed') return step.error?.message ?? 'failed';
  if (step.state === 'waiting' || step.state === 'cancelled') return '';
  const { files, bytes, message } = step.progress ?? {};
  const running = step.state === 'running';
  return [
    files && (running ? `${files.done} of ${files.total} files` : `${files.done} files`),
    bytes && (running ? `${formatBytes(bytes.done)} of ${formatBytes(bytes.total)}` : formatBytes(bytes.done)),
    running && rate !== undefined && rate > 0 && `${formatBytes(rate)}/s`,
    !files && !bytes && running && step.chunks && `${step.chunks.done} of ${step.chunks.total} parts`,
    running && message,
  ]
    .filter((fact) => typeof fact === 'string')
    .join(' · ');
}

function noteOf(step: JobStep): string | undefined {
  if (step.state !== 'running' || !step.retrying) return undefined;
  return `attempt ${step.retrying.attempt} failed and is tried again: ${step.retrying.message}`;
}

/** What changed between two views of a job, one remark a change, for logs and pipes. */
export function jobRemarks(previous: JobView | undefined, job: JobView, now: number): string[] {
  const before = new Map(previous?.steps.map((step) => [step.name, step]));
  const remarks: string[] = [];
  if (!previous) remarks.push(`${job.title} ${job.id} for tenant ${job.tenant}: ${job.state}`);
  for (const step of job.steps) {
    const old = before.get(step.name);
    if (step.state !== (old?.state ?? 'waiting')) remarks.push(`${step.title}: ${stateRemark(step, now)}`);
    const note = noteOf(step);
    if (note !== undefined && note !== (old && noteOf(old))) remarks.push(`${step.title}: ${note}`);
  }
  return remarks.map(safeText);
}

/** How far the running steps are, for a remark every few seconds. */
export function progressRemarks(job: JobView, rate: (step: string) => number | undefined): string[] {
  return job.steps
    .filter((step) => step.state === 'running')
    .map((step) => ({ step, facts: factsOf(step, rate(step.name)) }))
    .filter(({ facts }) => facts !== '')
    .map(({ step, facts }) => safeText(`${step.title}: ${facts}`));
}

function stateRemark(step: JobStep, now: number): string {
  const elapsed = elapsedOf(step, now);
  const time = elapsed === undefined ? '' : ` after ${formatDuration(elapsed)}`;
  if (step.state === 'running') return 'started';
  if (step.state === 'failed') return `failed${time}: ${step.error?.message ?? 'no reason was given'}`;
  const facts = factsOf(step, undefined);
  return `${step.state}${time}${facts === '' ? '' : ` (${facts})`}`;
}
