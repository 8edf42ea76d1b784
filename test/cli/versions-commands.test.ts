import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adminUser, type Session } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
let pages = 0;
/** A new one for each test. */
let page = '';

async function change(work: (session: Session) => Promise<unknown>): Promise<void> {
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await work(session);
    await session.save();
  });
}

async function titleOf(path: string): Promise<string | undefined> {
  return world.satchel.repository.withSession(adminUser, async (session) =>
    (await session.getNode(path)).text('jcr:title'),
  );
}

beforeAll(async () => {
  world = await createCommandWorld();
});
beforeEach(async () => {
  page = `/content/page-${(pages += 1)}`;
  await change((session) => session.ensureNode(page, { properties: { 'jcr:title': 'One' } }));
});
afterAll(async () => world.close());

describe('satchel versions', () => {
  it('makes versions of a node that was not versionable, and lists them newest first', async () => {
    expect(await world.json('versions', 'create', page, '--comment', 'first')).toEqual({
      code: 0,
      document: { path: page, version: '1.0' },
    });
    await change((session) => session.setProperties(page, { 'jcr:title': 'Two' }));
    expect((await world.run('versions', 'create', page)).stdout).toBe(`version 1.1 of ${page}\n`);
    const { document } = await world.json('versions', 'list', page);
    expect(document).toMatchObject({
      path: page,
      versions: [
        { name: '1.1', isBase: true, predecessors: ['1.0'], createdBy: adminUser },
        { name: '1.0', isBase: false, comment: 'first' },
      ],
    });
    const { stdout } = await world.run('versions', 'list', page);
    expect(stdout.split('\n').map((line) => line.split('  ')[0])).toEqual(['1.1 *', '1.0', '']);
  });

  it('restores by name or label, and leaves the node as changeable as it was', async () => {
    await world.run('versions', 'create', page);
    expect((await world.run('versions', 'label', page, '1.0', 'approved')).code).toBe(0);
    await change((session) => session.setProperties(page, { 'jcr:title': 'Two' }));
    expect(await world.json('versions', 'restore', page, 'approved')).toMatchObject({
      code: 2,
      document: { error: { code: 'CONSTRAINT_VIOLATION' } },
    });
    expect(await titleOf(page)).toBe('Two');
    expect((await world.json('versions', 'restore', page, 'approved', '--checkpoint')).document).toEqual({
      path: page,
      version: '1.0',
    });
    expect(await titleOf(page)).toBe('One');
    await change((session) => session.setProperties(page, { 'jcr:title': 'Three' }));
    await world.run('versions', 'restore', page, '1.1', '--force');
    expect(await titleOf(page)).toBe('Two');
  });

  it('moves a label only when asked to', async () => {
    await world.run('versions', 'create', page);
    await world.run('versions', 'label', page, '1.0', 'approved');
    await world.run('versions', 'create', page);
    const again = ['versions', 'label', page, '1.1', 'approved'];
    expect(await world.json(...again)).toMatchObject({ document: { error: { code: 'ITEM_EXISTS' } } });
    expect((await world.json(...again, '--move')).document).toEqual({ path: page, version: '1.1', label: 'approved' });
    expect((await world.json('versions', 'list', page)).document).toMatchObject({
      versions: [{ labels: ['approved'] }, { labels: [] }],
    });
  });

  it('says what changed between two versions, and since one', async () => {
    await world.run('versions', 'create', page);
    await change(async (session) => {
      await session.setProperties(page, { 'jcr:title': 'Two' });
      await session.addNode(`${page}/part`, { primaryType: 'nt:unstructured' });
    });
    const { stdout } = await world.run('versions', 'diff', page, '1.0');
    expect(stdout).toContain('~ . jcr:title: One → Two\n');
    expect(stdout).toContain('+ part [nt:unstructured]\n');
    await world.run('versions', 'create', page);
    await change((session) => session.remove(`${page}/part`));
    const { document } = await world.json('versions', 'diff', page, '1.0', '1.1');
    expect(document).toMatchObject({ path: page, from: '1.0', to: '1.1' });
    expect((document as { differences: unknown[] }).differences).toContainEqual({
      kind: 'nodeAdded',
      relativePath: 'part',
      node: 'nt:unstructured',
    });
    expect((await world.run('versions', 'diff', page, '1.1')).stdout).toContain('- part\n');
  });

  it.each([
    ['list', '/content/none'],
    ['create', '/content/none'],
    ['restore', 'PAGE', '7.7'],
    ['label', 'PAGE', '7.7', 'approved'],
    ['diff', 'PAGE', '7.7'],
  ])('answers PATH_NOT_FOUND to versions %s %s', async (...words) => {
    const args = words.map((word) => (word === 'PAGE' ? page : word));
    await world.run('versions', 'create', page);
    expect(await world.json('versions', ...args)).toMatchObject({
      code: 2,
      document: { error: { code: 'PATH_NOT_FOUND' } },
    });
  });
});
