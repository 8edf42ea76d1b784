import type { PinnedModel, PinnedNode, StepRecord, WorkflowState } from './contract/model.js';

const marks = {
  waiting: '▢',
  running: '▶',
  completed: '✔',
  failed: '✘',
  cancelled: '⊘',
  skipped: '–',
  compensated: '↺',
} as const;

/** What people wrote is shown in part; all of it is in the record. */
const maxTextLength = 200;

/** The state as Markdown, for the "current details" of the Temporal UI: one line a node, those of branches indented. */
export function describeProgress(
  { outcome, steps }: WorkflowState,
  { steps: nodes }: Pick<PinnedModel, 'steps'>,
): string {
  const records = new Map(steps.map((record) => [record.name, record]));
  return [`**${outcome.state}**`, ...linesOf(nodes, records, '')].join('\n');
}

function* linesOf(
  nodes: readonly PinnedNode[],
  records: ReadonlyMap<string, StepRecord>,
  indent: string,
): Generator<string> {
  for (const node of nodes) {
    const record = records.get(node.name);
    if (record) yield `${indent}- ${lineOf(node, record)}`;
    if (node.kind !== 'and' && node.kind !== 'or') continue;
    for (const branch of node.branches) {
      const taken = record?.branch === branch.name ? ' (taken)' : '';
      yield `${indent}  - _${oneLine(branch.title)}_${taken}`;
      yield* linesOf(branch.steps, records, `${indent}    `);
    }
  }
}

function lineOf(node: PinnedNode, { state, title, visits, chunks, decision, child, error }: StepRecord): string {
  return [
    `${marks[state]} ${oneLine(title)}`,
    visits !== undefined && visits > 1 ? ` ×${visits}` : '',
    chunks ? ` ${chunks.done} of ${chunks.total}` : '',
    node.kind === 'participant' && state === 'running' ? ` — waits for ${oneLine(node.assignee)}` : '',
    node.kind === 'external' && state === 'running' ? ' — waits for an answer from outside' : '',
    child !== undefined && state === 'running' ? ` — workflow ${child}` : '',
    decision ? ` — ${oneLine([decision.by, decision.comment].filter((text) => text !== undefined).join(': '))}` : '',
    error ? ` — ${error.code}: ${oneLine(error.message)}` : '',
  ].join('');
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= maxTextLength ? line : `${line.slice(0, maxTextLength)}…`;
}
