/** Rights follow what happens to the nodes that carry them. */
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { passwordHashOf } from '../../repository/users.js';
import { backends, openFor, sessionOf } from '../repository/world.js';
import { buildWorld, outcomeOf } from './access-world.js';

describe.each(Object.entries(backends))('on %s', (_name, open) => {
  const world = async (statements: string) => {
    const repository = await openFor(open);
    const admin = await sessionOf(repository);
    await buildWorld(admin, statements);
    return { repository, admin };
  };

  it('a policy goes along with a subtree that is moved, and holds nowhere else', async () => {
    const { repository, admin } = await world('/ + ada jcr:read,jcr:write; /a/b - ada jcr:read');
    await repository.withSession('ada', async (ada) => {
      await ada.move('/a', '/to/a');
      await ada.save();
    });
    expect(await outcomeOf(repository, 'ada', 'read /to/a')).toBe('allowed');
    expect(await outcomeOf(repository, 'ada', 'read /to/a/b/c')).toBe('not-found');
    await admin.refresh();
    for (const path of ['/a', '/a/b']) await admin.addNode(path);
    await admin.save();
    expect(await outcomeOf(repository, 'ada', 'read /a/b')).toBe('allowed');
  });

  it('a policy below a node that is removed does not hold for another node in its place', async () => {
    const { repository, admin } = await world('/a/b + ada jcr:read');
    await admin.remove('/a');
    for (const path of ['/a', '/a/b']) await admin.addNode(path);
    await admin.save();
    expect(await outcomeOf(repository, 'ada', 'read /a/b')).toBe('not-found');
  });

  it.each<[string, (admin: Session, path: string) => Promise<unknown>]>([
    ['removed', (admin, path) => admin.remove(path)],
    ['moved away', (admin, path) => admin.move(path, '/to/team')],
    ['no group any more', (admin, path) => admin.setProperties(path, { 'jcr:primaryType': 'rep:User' })],
  ])('members of a group that is %s lose its rights', async (_case, change) => {
    const { repository, admin } = await world('team = ada; /a + team jcr:read');
    expect(await outcomeOf(repository, 'ada', 'read /a')).toBe('allowed');
    await change(admin, '/home/groups/team');
    await admin.save();
    expect(await outcomeOf(repository, 'ada', 'read /a')).toBe('not-found');
  });

  it('properties that may not be read stay when others are changed', async () => {
    const { repository, admin } = await world(
      '/home + ada jcr:read,rep:write; /a + ada jcr:all; /a - ada rep:readProperties names=secret',
    );
    await repository.withSession('ada', async (ada) => {
      const user = await ada.setProperties('/home/users/ben', { title: 'Ben' });
      const node = await ada.setProperties('/a', { title: 'changed' });
      expect([user.property('satchel:passwordHash'), node.property('secret')]).toEqual([undefined, undefined]);
      await ada.save();
    });
    await admin.refresh();
    expect(await passwordHashOf(admin, 'ben')).toBe('$hash');
    expect((await admin.getNode('/a')).text('secret')).toBe('s');
  });
});
