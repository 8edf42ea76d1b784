import { expect, it } from 'vitest';
import { retainJournal } from '../../repository/maintenance/retain-journal.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { sessionOf } from '../repository/world.js';
import { openOver, storeBackends } from './world.js';

it.each(Object.entries(storeBackends))(
  'what was cached from content on %s is read anew when the journal since then is gone',
  async (_name, open) => {
    const stores = await open();
    const repository = await openOver(stores);
    const session = await sessionOf(repository);
    await session.ensureNode('/libs/settings/theme', { properties: { color: 'red' } });
    await session.save();
    const overlay = createOverlayResolver({ repository });
    const tenant = await overlay.tenant(session, 'global');
    const color = async () => (await overlay.settings(session, tenant, 'theme'))?.text('color');
    expect(await color()).toBe('red');
    // Other sessions write, and everything they wrote is forgotten at once.
    const other = await sessionOf(repository);
    for (const next of ['green', 'blue']) {
      await other.setProperties('/libs/settings/theme', { color: next });
      await other.save();
    }
    await retainJournal(stores.nodes, { keepDays: 0, keepCommits: 0, now: () => new Date(8.64e15) });
    expect(await stores.nodes.journalStart()).toBe(await repository.head());
    await session.refresh();
    expect(await color()).toBe('blue');
    expect((await session.getNode('/libs/settings/theme')).text('color')).toBe('blue');
  },
);
