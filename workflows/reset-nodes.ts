/** What a goto does to the records of the nodes it goes back or on over. */
import type { PinnedNode } from './contract/model.js';
import { nodesOf } from './contract/step-records.js';
import { recordOf, type Run, type WritableRecord } from './run.js';

/** Nodes that are to run again wait again, and know how often they ran. */
export function reset(run: Run, nodes: readonly PinnedNode[]): void {
  for (const node of nodesOf(nodes)) {
    const record = recordOf(run, node.name);
    const ran = node.kind !== 'goto' && record.state !== 'waiting' && record.state !== 'skipped';
    if (ran) record.visits ??= 1;
    clear(record);
    record.state = 'waiting';
  }
}

/** Nodes that are passed by. */
export function skip(run: Run, nodes: readonly PinnedNode[]): void {
  for (const { name } of nodesOf(nodes)) {
    const record = recordOf(run, name);
    clear(record);
    record.state = 'skipped';
  }
}

function clear(record: WritableRecord): void {
  delete record.branch;
  delete record.decision;
  delete record.child;
  delete record.started;
  delete record.ended;
  delete record.chunks;
  delete record.partial;
  delete record.result;
  delete record.error;
}
