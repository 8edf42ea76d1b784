/** A workflow with all that is known of it, for a person. */
import type { JobView } from '../../engine/api.js';
import type { StepRecord } from '../../workflows/contract/model.js';
import { exitOf } from '../job-answer.js';
import { formatDuration, safeText, table, type Styler } from './text.js';

const marks: Readonly<Record<StepRecord['state'], string>> = {
  waiting: '·',
  running: '▶',
  completed: '✔',
  failed: '✘',
  cancelled: '■',
  skipped: '–',
  compensated: '↺',
};

export function workflowLines(job: JobView, style: Styler, now: Date): string[] {
  return [
    `${style.bold(stateOf(job))}  ${safeText(job.title)}  ${job.id}`,
    ...table(facts(job).map(([name, value]) => [`  ${name}`, safeText(value)])),
    ...(job.error ? [`  ${style.red(safeText(job.error.message))} ${style.dim(`[${job.error.code}]`)}`] : []),
    'steps',
    ...stepTree(job, job.steps, '  ', style, now),
    ...section(
      'metadata',
      table(Object.entries(job.metadata).map(([name, value]) => [`  ${safeText(name)}`, shown(value)])),
    ),
    ...section(
      'comments',
      table(job.comments.map(({ created, by, text }) => [`  ${created}`, safeText(by), safeText(text)])),
    ),
  ];
}

function stateOf(job: JobView): string {
  if (job.paused) return 'paused';
  if (job.terminated) return 'terminated';
  if (job.state === 'completed' || job.state === 'partial') return exitOf(job) === 0 ? 'done' : 'partly done';
  return job.state;
}

function facts(job: JobView): [string, string][] {
  const version = job.modelVersion === undefined ? '' : ` (version ${job.modelVersion.slice(0, 12)})`;
  const found: [string, string | undefined][] = [
    ['model', `${job.model}${version}`],
    ['payload', job.payload],
    ['tenant', job.tenant],
    ['started', `${job.created} by ${job.initiator}`],
    ['ended', job.ended],
    [job.terminated ? 'terminated by' : 'cancelled by', job.endedBy],
    ['retry of', job.retryOf],
    ['rerun of', job.rerunOf],
    ['retried as', job.retriedAs],
  ];
  return found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

/** Names are paths below the model, so that they say how deep a node lies. */
function stepTree(job: JobView, steps: readonly StepRecord[], indent: string, style: Styler, now: Date): string[] {
  return steps.flatMap((step) => {
    const depth = indent + '  '.repeat(step.name.split('/').length - 1);
    const line = `${depth}${marks[step.state]} ${safeText(step.title)}  ${style.dim(safeText(aboutStep(step, now)))}`;
    const child = step.child === undefined ? undefined : job.children[step.child];
    return [
      line,
      ...remarks(step, `${depth}    `, style),
      ...(child ? stepTree(job, child, `${depth}  `, style, now) : []),
    ];
  });
}

function aboutStep(step: StepRecord, now: Date): string {
  const { started, ended = now.toISOString(), visits, chunks, branch, partial } = step;
  return [
    step.name,
    started !== undefined && `${started.slice(0, 19)}Z, ${formatDuration(Date.parse(ended) - Date.parse(started))}`,
    visits !== undefined && `${visits} times`,
    chunks && `${chunks.done} of ${chunks.total} parts`,
    partial === true && 'in part',
    branch !== undefined && `took ${branch}`,
    step.child !== undefined && `workflow ${step.child}`,
  ]
    .filter((fact) => typeof fact === 'string')
    .join(' · ');
}

function remarks({ decision, error }: StepRecord, indent: string, style: Styler): string[] {
  const said = decision && [
    `by ${decision.by}`,
    ...(decision.comment === undefined ? [] : [`“${decision.comment}”`]),
    ...Object.entries(decision.metadata ?? {}).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
  ];
  return [
    ...(said ? [`${indent}${safeText(said.join(' · '))}`] : []),
    ...(error ? [`${indent}${style.red(safeText(error.message))} ${style.dim(`[${error.code}]`)}`] : []),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function shown(value: unknown): string {
  return safeText(typeof value === 'string' ? value : JSON.stringify(value));
}
