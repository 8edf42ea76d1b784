/** The records of a model: one per node, parents before what is in them. */
import type { PinnedModel, PinnedNode, PinnedStep, StepRecord } from './model.js';

/** All nodes of a model in order, those in branches after their split. */
export function* nodesOf(nodes: readonly PinnedNode[]): Generator<PinnedNode> {
  for (const node of nodes) {
    yield node;
    if (node.kind === 'and' || node.kind === 'or') for (const { steps } of node.branches) yield* nodesOf(steps);
  }
}

/** What the records say before the workflow begins. */
export function initialRecords({ steps }: Pick<PinnedModel, 'steps'>): StepRecord[] {
  return Array.from(nodesOf(steps), (node) => ({
    name: node.name,
    id: isProcess(node) ? node.id : node.kind,
    title: node.title,
    layer: node.layer,
    state: 'waiting' as const,
  }));
}

export function isProcess(node: PinnedNode): node is PinnedStep {
  return node.kind === undefined || node.kind === 'process';
}
