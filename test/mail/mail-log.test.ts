/** The mail log is found by its index, however much else there is. */
import { describe, expect, it } from 'vitest';
import {
  isInScope,
  listMailLog,
  mailLogQuery,
  type MailFilter,
  type MailScope,
} from '../../activities/mail/mail-log.js';
import { mailType } from '../../activities/mail/outbox.js';
import { updateIndexes } from '../../repository/query/shipped-indexes.js';
import { createMailWorld } from './mail-world.js';

const count = 1500;
const tenants = ['global', 'aurora'];

async function createLog() {
  const world = await createMailWorld();
  const { session, repository } = world;
  await updateIndexes(repository);
  await session.refresh();
  await session.ensureNode('/var/mail/outbox/w1');
  for (let index = 0; index < count; index++) {
    await session.addNode(`/var/mail/outbox/w1/m${index}`, {
      primaryType: mailType,
      properties: {
        key: `m${index}`,
        recipient: `p${index % 500}@example.com`,
        to: `P${index % 500}@example.com`,
        tenant: tenants[index % 2] ?? '',
        state: 'sent',
        created: new Date(1_700_000_000_000 + index * 1000),
      },
    });
  }
  await session.save();
  await repository.indexer.catchUp();
  await session.refresh();
  return session;
}

describe('the mail log', () => {
  it('is read in its order by its index, and looks at one more than it answers with at most', async () => {
    const session = await createLog();
    const found = async (filter: MailFilter) => {
      const query = mailLogQuery('all', filter);
      const result = await session.query({ ...query, limit: 3 });
      const hits: string[] = [];
      for await (const { name } of result.nodes()) hits.push(name);
      // One more tells whether there is another page.
      return { hits, visited: result.plan.visited, indexes: result.plan.indexes };
    };
    const indexes = ['/oak:index/mails'];
    expect(await found({})).toEqual({ hits: ['m1499', 'm1498', 'm1497'], visited: 4, indexes });
    expect(await found({ recipient: 'P7@example.com' })).toEqual({
      hits: ['m1007', 'm507', 'm7'],
      visited: 3,
      indexes,
    });
    expect((await found({ tenant: 'aurora' })).hits).toEqual(['m1499', 'm1497', 'm1495']);
  });

  it.each<[string, MailScope, number]>([
    ['everything', 'all', count],
    ['a tenant', { recipient: undefined, tenants: ['aurora'] }, count / 2],
    ['mails to an address', { recipient: 'P7@example.com', tenants: [] }, 3],
    ['both', { recipient: 'p8@example.com', tenants: ['aurora'] }, count / 2 + 3],
    ['nothing', { recipient: undefined, tenants: [] }, 0],
  ])('shows %s page by page, as the scope says of each mail', async (_name, scope, expected) => {
    const session = await createLog();
    const keys = new Set<string>();
    let pages = 0;
    let after: string | undefined;
    do {
      const page = await listMailLog(session, scope, {}, { limit: 400, after });
      for (const mail of page.mails) {
        expect(isInScope(scope, mail)).toBe(true);
        keys.add(mail.path);
      }
      pages++;
      after = page.next;
    } while (after !== undefined);
    expect(keys.size).toBe(expected);
    expect(pages).toBeLessThanOrEqual(Math.ceil(expected / 400) + 1);
  });
});
