import { describe, expect, it } from 'vitest';
import { cursorStatuses, retainJournal } from '../../repository/maintenance/retain-journal.js';
import type { NodeStore } from '../../repository/store/contract.js';
import { encodeCommitEntry } from '../../repository/observation.js';
import { collect } from '../repository/world.js';
import { storeBackends } from './world.js';

const now = () => new Date('2024-03-31T00:00:00Z');

/** One commit for each day of March 2024, at noon: commit 31 is of the 31st. */
async function march(open: (typeof storeBackends)[string] | undefined): Promise<NodeStore> {
  if (!open) throw new Error('no store');
  const { nodes } = await open();
  for (let day = 1; day <= 30; day++) {
    const time = new Date(Date.UTC(2024, 2, day, 12));
    await nodes.commit({ preconditions: [], writes: [], entry: encodeCommitEntry('admin', time, []) });
  }
  return nodes;
}

describe.each(Object.entries(storeBackends))('keeping the journal on %s', (_name, open) => {
  it.each([
    ['the days', { keepDays: 7, keepCommits: 0 }, {}, 23],
    ['the count', { keepDays: 1, keepCommits: 12 }, {}, 18],
    ['days that hold everything', { keepDays: 60, keepCommits: 0 }, {}, 0],
    ['a count that holds everything', { keepDays: 0, keepCommits: 1000 }, {}, 0],
    ['the slowest cursor', { keepDays: 0, keepCommits: 0 }, { quick: 30, slow: 11 }, 11],
    ['nothing', { keepDays: 0, keepCommits: 0 }, {}, 30],
  ])('%s', async (_what, options, cursors, upTo) => {
    const nodes = await march(open);
    for (const [name, position] of Object.entries(cursors)) await nodes.setCursor(name, position);
    const rehearsal = await retainJournal(nodes, { ...options, now, dryRun: true });
    expect(await nodes.journalStart()).toBe(0);
    const report = await retainJournal(nodes, { ...options, now });
    expect(report).toEqual(rehearsal);
    expect(report).toMatchObject({ head: 30, trimmedUpTo: upTo, trimmed: upTo });
    expect((await collect(nodes.journal(upTo))).map(({ sequence }) => sequence)[0]).toBe(
      upTo < 30 ? upTo + 1 : undefined,
    );
    expect(await nodes.journalStart()).toBe(upTo);
    expect(await retainJournal(nodes, { ...options, now })).toMatchObject({ trimmedUpTo: upTo, trimmed: 0 });
  });

  it('says how far behind each cursor is, and since when', async () => {
    const nodes = await march(open);
    const positions = { current: 30, behind: 20, late: 4, lost: 1 };
    for (const [name, position] of Object.entries(positions)) await nodes.setCursor(name, position);
    await nodes.trimJournal(3);
    expect(await cursorStatuses(nodes, { now, limitDays: 20 })).toEqual([
      { name: 'behind', position: 20, behind: 10, behindSince: '2024-03-21T12:00:00.000Z', state: 'behind' },
      { name: 'current', position: 30, behind: 0, state: 'current' },
      { name: 'late', position: 4, behind: 26, behindSince: '2024-03-05T12:00:00.000Z', state: 'late' },
      { name: 'lost', position: 1, behind: 29, state: 'lost' },
    ]);
  });

  it('drops late cursors only when told to', async () => {
    const nodes = await march(open);
    await nodes.setCursor('late', 2);
    const options = { keepDays: 7, keepCommits: 0, limitDays: 20, now };
    expect(await retainJournal(nodes, options)).toMatchObject({ trimmedUpTo: 2, dropped: [], heldBy: 'late' });
    expect(await nodes.getCursor('late')).toBe(2);
    expect(await retainJournal(nodes, { ...options, dropLate: true })).toMatchObject({
      trimmedUpTo: 23,
      dropped: ['late'],
    });
    expect(await nodes.getCursor('late')).toBeUndefined();
  });
});
