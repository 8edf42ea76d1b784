/** Waits of days, on a server that skips time. What people do at a certain time, they do in an activity: it holds the time. */
import { ApplicationFailure } from '@temporalio/activity';
import { describe, expect, it } from 'vitest';
import type { PinnedNode, PinnedParticipant, WorkItemInput } from '../../workflows/contract/model.js';
import { names } from '../../workflows/contract/model.js';
import { useTimeSkippingServer } from '../support/time-skipping-server.js';
import { and, branch, done, local, model, participant, useInterpreter } from './interpreter-world.js';

const { run, client } = useInterpreter({ address: useTimeSkippingServer(), skipsTime: true });

const day = 86_400;

/** Runs a participant step; somebody completes it at the notice of that number. */
async function waitFor(changes: Partial<PinnedParticipant>, completedAt?: number, recordAs?: string) {
  const items: WorkItemInput[] = [];
  const ended = await run(model([participant('approve', changes), local('after')]), {
    steps: { 'test/any@1': done },
    workItems: async (what, item) => {
      items.push(item);
      if (what === 'notify' && item.notice?.count === completedAt) {
        const handle = client().workflow.getHandle(item.workflow.id);
        await handle.executeUpdate(names.completeWorkItemUpdate, { args: [{ step: 'approve', by: 'bo' }] });
      }
    },
    ...(recordAs !== undefined && { recordAs }),
  });
  const [record] = ended.state.steps;
  const days = (Date.parse(record?.ended ?? '') - Date.parse(record?.started ?? '')) / (day * 1000);
  return { ...ended, record, days, notices: items.flatMap(({ notice }) => notice?.why ?? []), last: items.at(-1) };
}

describe('a participant who lets time pass', () => {
  it('is reminded every so many days, and told when it is overdue', async () => {
    const changes = { notify: true, dueSeconds: 5 * day, reminderSeconds: 2 * day };
    const ended = await waitFor(changes, 5, 'participant-reminded');
    expect(ended.notices).toEqual(['opened', 'reminder', 'reminder', 'overdue', 'reminder']);
    expect(ended.days).toBeCloseTo(6, 1);
    expect(ended.record?.decision).toEqual({ by: 'bo' });
    expect(ended.last?.ended).toEqual({ state: 'completed', by: 'bo' });
    expect(ended.result).toEqual({ state: 'completed' });
  });

  it('is reminded alone where the model tells people nothing else', async () => {
    const ended = await waitFor({ dueSeconds: day, reminderSeconds: 3 * day }, 2);
    expect(ended.notices).toEqual(['reminder', 'reminder']);
    expect(ended.days).toBeCloseTo(6, 1);
  });

  it('fails with a code once the time is over, and the item is closed', async () => {
    const ended = await waitFor(
      { timeoutSeconds: 30 * day, reminderSeconds: 7 * day },
      undefined,
      'participant-timeout',
    );
    expect(ended.notices).toEqual(['reminder', 'reminder', 'reminder', 'reminder']);
    expect(ended.days).toBeCloseTo(30, 1);
    expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'WORK_ITEM_TIMEOUT', step: 'approve' });
    expect(ended.last?.ended).toEqual({ state: 'timed-out' });
  });

  it('is reminded a hundred times and no more', async () => {
    const ended = await waitFor({ timeoutSeconds: 300 * day, reminderSeconds: day });
    expect(ended.notices).toHaveLength(100);
    expect(ended.days).toBeCloseTo(300, 1);
  });

  it('waits on when mail cannot be sent', async () => {
    const ended = await run(model([participant('approve', { notify: true, timeoutSeconds: 90 * day })]), {
      steps: {},
      workItems: (what) => {
        if (what === 'notify') throw ApplicationFailure.create({ message: 'no mail', type: 'MAIL_UNAVAILABLE' });
      },
    });
    expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'WORK_ITEM_TIMEOUT' });
  });
});

describe('an external wait', () => {
  const external: PinnedNode = {
    kind: 'external',
    name: 'print',
    title: 'Print it',
    layer: '/libs',
    timeoutSeconds: 14 * day,
  };

  it('fails with a code once the time is over', async () => {
    const ended = await run(model([external]), { steps: {}, recordAs: 'external-timeout' });
    expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'EXTERNAL_TIMEOUT', step: 'print' });
    const [record] = ended.state.steps;
    expect(Date.parse(record?.ended ?? '') - Date.parse(record?.started ?? '')).toBeGreaterThanOrEqual(14 * day * 1000);
  });

  it('whose time is over closes the work items of other branches', async () => {
    const items: [string, WorkItemInput][] = [];
    const split = and('split', [branch('split/a', [external]), branch('split/b', [participant('approve')])]);
    const ended = await run(model([split]), {
      steps: {},
      workItems: (what, item) => void items.push([what, item]),
      recordAs: 'and-split-closes-items',
    });
    expect(ended.state.outcome).toMatchObject({ state: 'failed', code: 'EXTERNAL_TIMEOUT', step: 'print' });
    expect(items.map(([what, { ended: how }]) => [what, how?.state])).toEqual([
      ['open', undefined],
      ['close', 'cancelled'],
    ]);
  });
});
