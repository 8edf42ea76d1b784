/** A pinned model against what the model is now, seen from where a workflow is. */
import type { PinnedModel, PinnedNode, StepRecord } from '../../workflows/contract/model.js';
import type { RunningCheck } from '../api.js';

type Difference = RunningCheck['differences'][number];

/** The records of the workflow say which nodes it has reached. */
export function compareModels(
  pinned: Pick<PinnedModel, 'steps'>,
  current: Pick<PinnedModel, 'steps'>,
  records: readonly StepRecord[],
): Difference[] {
  const reached = new Set(records.filter(({ state }) => state !== 'waiting').map(({ name }) => name));
  const byName = new Map(records.map((record) => [record.name, record]));
  const differences: Difference[] = [];
  compareSequences(pinned.steps, current.steps, false);
  return differences;

  /** @param over the split around the sequence is behind the workflow */
  function compareSequences(before: readonly PinnedNode[], now: readonly PinnedNode[], over: boolean): void {
    const old = new Map(before.map((node) => [node.name, node]));
    const known = new Map(now.map((node) => [node.name, node]));
    const kept = (nodes: readonly PinnedNode[]) =>
      nodes.map(({ name }) => name).filter((name) => old.has(name) && known.has(name));
    const order = kept(before);
    const moved = new Set(kept(now).filter((name, index) => name !== order[index]));
    const again = repeatedNodes(before);
    const isBehind = (name: string) => over || (reached.has(name) && !again.has(name));
    const note = (node: PinnedNode, change: Difference['change'], behind: boolean) =>
      differences.push({ node: node.name, title: node.title, change, place: behind ? 'behind' : 'ahead' });

    for (const node of before) {
      const other = known.get(node.name);
      if (!other) note(node, 'removed', isBehind(node.name));
      else if (moved.has(node.name) || ownText(node) !== ownText(other)) note(node, 'changed', isBehind(node.name));
    }
    for (const [index, node] of now.entries()) {
      const following = now.slice(index + 1);
      if (!old.has(node.name))
        note(node, 'added', over || following.some(({ name }) => old.has(name) && isBehind(name)));
    }
    for (const node of before) compareBranches(node, known.get(node.name), over || isOver(node.name, again));
  }

  function compareBranches(before: PinnedNode, now: PinnedNode | undefined, over: boolean): void {
    if (before.kind !== 'and' && before.kind !== 'or') return;
    if (now?.kind !== before.kind) return;
    for (const branch of before.branches) {
      const same = now.branches.find(({ name }) => name === branch.name);
      if (same) compareSequences(branch.steps, same.steps, over);
    }
  }

  function isOver(name: string, again: ReadonlySet<string>): boolean {
    const state = byName.get(name)?.state;
    return !again.has(name) && (state === 'completed' || state === 'skipped' || state === 'compensated');
  }

  /** What a goto that is still ahead may lead to again. */
  function repeatedNodes(sequence: readonly PinnedNode[]): Set<string> {
    const repeated = new Set<string>();
    for (const [position, node] of sequence.entries()) {
      if (node.kind !== 'goto' || reached.has(node.name)) continue;
      if ((byName.get(node.name)?.visits ?? 0) >= node.maximum) continue;
      const target = sequence.findIndex(({ name }) => name === node.target);
      if (target < 0 || target > position) continue;
      for (const { name } of sequence.slice(target, position)) repeated.add(name);
    }
    return repeated;
  }
}

/** All that a node is, without what is in its branches; where it was placed changes nothing it does. */
function ownText(node: PinnedNode): string {
  return JSON.stringify(node, (key, value: unknown) => {
    if (key === 'layer' || key === 'layers' || key === 'version') return undefined;
    return key === 'branches' ? (value as { steps: unknown }[]).map(({ steps: _, ...branch }) => branch) : value;
  });
}
