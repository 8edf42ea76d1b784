import type { WorkflowState } from './contract/model.js';

const marks = {
  waiting: '▢',
  running: '▶',
  completed: '✔',
  failed: '✘',
  cancelled: '⊘',
  skipped: '–',
  compensated: '↺',
} as const;

/** The state as Markdown, for the "current details" of the Temporal UI: one line a step. */
export function describeProgress({ outcome, steps }: WorkflowState): string {
  const lines = steps.map(({ state, title, chunks, error }) => {
    const count = chunks ? ` ${chunks.done} of ${chunks.total}` : '';
    const problem = error ? ` — ${error.code}: ${error.message}` : '';
    return `- ${marks[state]} ${title}${count}${problem}`;
  });
  return [`**${outcome.state}**`, ...lines].join('\n');
}
