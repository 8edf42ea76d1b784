/** Where a run begins: at the beginning, or where the run before it was. */
import type { PinnedModel, PinnedNode, StepRecord, WorkflowSeed } from './contract/model.js';
import { initialRecords, nodesOf } from './contract/step-records.js';

/** The records a run begins with. What an earlier run was working on when it ended is waiting again. */
export function recordsOf(model: PinnedModel, seed: WorkflowSeed | undefined): StepRecord[] {
  const initial = initialRecords(model);
  if (!seed) return initial;
  const earlier = new Map(seed.steps.map((record) => [record.name, record]));
  const nodes = new Map(Array.from(nodesOf(model.steps), (node) => [node.name, node]));
  return initial.map((record) => {
    const before = earlier.get(record.name);
    const node = nodes.get(record.name);
    return before && node ? { ...resumed(node, before, seed), title: record.title, layer: record.layer } : record;
  });
}

function resumed(node: PinnedNode, before: StepRecord, seed: WorkflowSeed): StepRecord {
  const { name, id, title, layer, state, branch } = before;
  if (state === 'completed' || state === 'skipped') return before;
  if (state === 'failed' && seed.continued && node.onError === 'continue') return before;
  const visits = visitsBefore(node, before);
  return {
    name,
    id,
    title,
    layer,
    state: 'waiting',
    ...(visits !== undefined && { visits }),
    // Which branch was taken stays decided, as what ran in it is not run again.
    ...(branch !== undefined && { branch }),
  };
}

/** How often it ran to its end: an attempt that did not end is the same visit when it is made again. */
function visitsBefore(node: PinnedNode, { state, visits }: StepRecord): number | undefined {
  if (node.kind === 'goto' || state === 'waiting') return visits;
  // What was undone is done anew, under keys of its own.
  if (state === 'compensated') return visits ?? 1;
  return visits === undefined || visits === 1 ? undefined : visits - 1;
}

/** Names of the steps that completed before, oldest first. */
export function completedBefore(seed: WorkflowSeed | undefined): string[] {
  if (!seed) return [];
  if (seed.continued) return [...seed.continued.completed];
  // Steps of one workflow task end at one time; then the order of the model is the order they ran in.
  return seed.steps
    .filter(({ state }) => state === 'completed')
    .sort(({ ended: a = '' }, { ended: b = '' }) => (a < b ? -1 : a > b ? 1 : 0))
    .map(({ name }) => name);
}
