/** Whether every node of a model can be reached, and its loops end in time. */
import type { PinnedGoto, PinnedNode } from '../../workflows/contract/model.js';
import type { Report } from './read-properties.js';

/** A node in its place. One that is wrong in itself has its place too. */
export interface FlowItem {
  readonly name: string;
  readonly node?: PinnedNode;
  readonly report: Report;
  /** The branches of a split. */
  readonly sequences?: readonly (readonly FlowItem[])[];
}

/** How often the gotos of a model may go in all: each time is a step of its history, and may run all of its steps again. */
export const maxGotos = 1_000;

/** @param report on the model */
export function checkFlow(items: readonly FlowItem[], report: Report): void {
  const gotos = sumOfGotos(items);
  if (gotos > maxGotos)
    report(
      'endless-loop',
      `may go back ${gotos} times in all, more than ${maxGotos}; lower the "maximum" of its gotos`,
    );
  checkSequence(items, 0);
}

function sumOfGotos(items: readonly FlowItem[]): number {
  return items.reduce(
    (sum, { node, sequences = [] }) =>
      sum +
      (node?.kind === 'goto' ? node.maximum : 0) +
      sequences.reduce((inner, branch) => inner + sumOfGotos(branch), 0),
    0,
  );
}

/** @param again how often loops around the sequence may run it again */
function checkSequence(items: readonly FlowItem[], again: number): void {
  const position = new Map(items.map(({ name }, index) => [name, index]));
  const targetOf = (node: PinnedGoto) => position.get(node.target);
  const loops = items.flatMap(({ node }, index) => {
    const target = node?.kind === 'goto' ? targetOf(node) : undefined;
    return node?.kind === 'goto' && target !== undefined && target < index
      ? [{ from: target, to: index, maximum: node.maximum }]
      : [];
  });
  const repeats = (index: number) =>
    again + loops.reduce((sum, { from, to, maximum }) => sum + (from <= index && index <= to ? maximum : 0), 0);

  const reached = new Set<number>();
  const open = items.length > 0 ? [0] : [];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (index >= items.length || reached.has(index)) continue;
    reached.add(index);
    const node = items[index]?.node;
    const target = node?.kind === 'goto' ? targetOf(node) : undefined;
    if (target !== undefined) open.push(target);
    // A goto without a condition goes as often as it may; a loop may bring it to its maximum.
    const passes =
      node?.kind !== 'goto' ||
      target === undefined ||
      node.condition !== undefined ||
      target < index ||
      repeats(index) >= node.maximum;
    if (passes) open.push(index + 1);
  }
  for (const [index, { report, sequences = [] }] of items.entries()) {
    if (!reached.has(index))
      report(
        'unreachable',
        'is never reached: a goto without a condition passes over it; remove it, or give the goto a condition',
      );
    for (const branch of sequences) checkSequence(branch, repeats(index));
  }
}
