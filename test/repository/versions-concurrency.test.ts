import { describe, expect, it } from 'vitest';
import { backends, collect, openFor, sessionOf } from './world.js';

describe.each(Object.entries(backends))('versions made at the same time on %s', (_name, open) => {
  it('are all kept, each under a name of its own', async () => {
    const repository = await openFor(open);
    const admin = await sessionOf(repository);
    await admin.addNode('/page', { mixins: ['mix:versionable'] });
    await admin.save();
    const sessions = await Promise.all(Array.from({ length: 6 }, () => sessionOf(repository)));
    const made = await Promise.all(sessions.map((session) => session.versions.checkpoint('/page')));
    const expected = ['1.0', '1.1', '1.2', '1.3', '1.4', '1.5'];
    expect(made.toSorted()).toEqual(expected);
    await admin.refresh();
    const history = await collect(admin.versions.history('/page'));
    expect(history.map(({ name }) => name).toReversed()).toEqual(expected);
  });

  it('stop a save below that was prepared before the check-in', async () => {
    const repository = await openFor(open);
    const [one, two] = [await sessionOf(repository), await sessionOf(repository)];
    await one.addNode('/page', { mixins: ['mix:versionable'] });
    await one.addNode('/page/part');
    await one.save();
    await two.refresh();
    await two.setProperties('/page/part', { text: 'late' });
    await one.versions.checkIn('/page');
    await expect(two.save()).rejects.toMatchObject({ code: 'NODE_CHECKED_IN', paths: ['/page'] });
  });
});
