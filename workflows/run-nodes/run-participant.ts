/** A step for a person: an item in inboxes, reminders while it waits, and one decision that ends it. */
import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';
import type { PinnedParticipant, WorkItemInput, WorkItemOrder } from '../contract/model.js';
import { closeWorkItem, notifyWorkItem, openWorkItem } from '../engine-activities.js';
import { failure, takeOver, visitOf, type Run, type WritableRecord } from '../run.js';
import { createWaitingNode, type WaitingOrder } from '../waiting-node.js';

/** Reminders of one item: a wait of years must not fill the history. */
const maxReminders = 100;

export async function runParticipant(run: Run, node: PinnedParticipant, record: WritableRecord): Promise<void> {
  const { name, title, description, notify } = node;
  const opened = Date.now();
  const due = node.dueSeconds === undefined ? undefined : new Date(opened + node.dueSeconds * 1000).toISOString();
  /** Who has it, and before them those it came from. */
  const assignees = [node.assignee];
  const item = (more: Partial<WorkItemInput> = {}): WorkItemInput => ({
    workflow: run.workflow(),
    step: { name, title, description, notify },
    assignee: assignees.at(-1) ?? node.assignee,
    ...(due !== undefined && { due }),
    visit: visitOf(record),
    ...more,
  });
  const waiting = createWaitingNode(name);
  run.waiting.set(name, waiting);
  let notices = 0;
  /** Nothing is left to close. */
  const progress = { over: false };

  try {
    await openWorkItem(run, item()).catch((error: unknown) => {
      // Refused, it is not there to be closed. Cancelled meanwhile, it may be.
      if (!isCancellation(error)) progress.over = true;
      throw error;
    });
    await CancellationScope.cancellable(async () => {
      const notifying = CancellationScope.current();
      try {
        if (notify) tell('opened');
        await waitForDecision();
      } finally {
        notifying.cancel();
      }
    });
  } catch (error) {
    const state = isCancellation(error) ? 'cancelled' : 'timed-out';
    if (!progress.over) await CancellationScope.nonCancellable(() => closeWorkItem(run, item({ ended: { state } })));
    throw error;
  } finally {
    run.waiting.delete(name);
    waiting.close();
  }

  async function waitForDecision(): Promise<void> {
    const timers = timersOf(node, opened);
    let reminders = 0;
    while (!progress.over) {
      const [next] = timers.sort((a, b) => a.at - b.at);
      if (await untilAsked(next)) {
        await waiting.take(obey);
        continue;
      }
      timers.shift();
      if (next?.what === 'timeout') {
        throw failure('WORK_ITEM_TIMEOUT', `Nobody completed "${title}" within ${node.timeoutSeconds} seconds.`);
      }
      if (!next) continue;
      tell(next.what);
      if (next.what === 'reminder' && ++reminders < maxReminders) {
        timers.push({ what: 'reminder', at: next.at + (node.reminderSeconds ?? 0) * 1000 });
      }
    }
  }

  /** @returns false once it is time for `next`, true when there is an order before */
  async function untilAsked(next: Timer | undefined): Promise<boolean> {
    const hasOrders = () => waiting.hasOrders;
    if (next) {
      return condition(hasOrders, Math.max(1, next.at - Date.now()), { summary: `${title}: ${next.what}` });
    }
    await condition(hasOrders);
    return true;
  }

  async function obey(asked: WaitingOrder): Promise<void> {
    switch (asked.kind) {
      case 'complete':
        return complete(asked.order);
      case 'delegate':
        return give(asked.order, 'delegated', [...assignees, asked.order.to ?? node.assignee]);
      case 'return':
        if (assignees.length === 1) throw failure('INVALID_REQUEST', `"${title}" was not delegated by anybody.`);
        return give(asked.order, 'returned', assignees.slice(0, -1));
      case 'external':
        throw failure('UNKNOWN_WORK_ITEM', `"${title}" waits for a person.`);
    }
  }

  async function complete({ by, comment, metadata }: WorkItemOrder): Promise<void> {
    takeOver(run, metadata ? { metadata } : {});
    record.decision = { by, ...(comment !== undefined && { comment }), ...(metadata && { metadata }) };
    // Decided is decided: a cancellation that comes meanwhile is for the node after this.
    await CancellationScope.nonCancellable(() => closeWorkItem(run, item({ ended: { state: 'completed', by } })));
    progress.over = true;
  }

  async function give(
    { by, comment }: WorkItemOrder,
    how: 'delegated' | 'returned',
    to: readonly string[],
  ): Promise<void> {
    const assignee = to.at(-1) ?? node.assignee;
    await openWorkItem(run, item({ assignee, given: { how, by, ...(comment !== undefined && { comment }) } }));
    assignees.splice(0, assignees.length, ...to);
    if (notify) tell(how);
  }

  /** In the background: a mail server that is away changes nothing about the item. */
  function tell(why: NonNullable<WorkItemInput['notice']>['why']): void {
    notifyWorkItem(item({ notice: { why, count: ++notices } })).catch((error: unknown) => {
      if (!isCancellation(error)) log.warn('The assignee could not be told of a work item', { step: name, why, error });
    });
  }
}

interface Timer {
  readonly at: number;
  readonly what: 'timeout' | 'overdue' | 'reminder';
}

/** What is to happen while nobody answers. Reminders are sent whenever the model asks for them, the rest with `notify`. */
function timersOf({ timeoutSeconds, dueSeconds, reminderSeconds, notify }: PinnedParticipant, opened: number): Timer[] {
  const timer = (what: Timer['what'], seconds: number | undefined): Timer[] =>
    seconds === undefined ? [] : [{ what, at: opened + seconds * 1000 }];
  return [
    ...timer('timeout', timeoutSeconds),
    ...timer('overdue', notify ? dueSeconds : undefined),
    ...timer('reminder', reminderSeconds),
  ];
}
