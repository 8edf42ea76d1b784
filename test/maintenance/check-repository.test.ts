import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Repository } from '../../repository/api.js';
import { RepositoryError } from '../../repository/errors.js';
import { identifierKey, nodeKey, policyKey, referenceKey } from '../../repository/keys.js';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import type { CheckOptions } from '../../repository/maintenance/check-repository.js';
import type { RepositoryStores } from '../../repository/repository.js';
import type { Write } from '../../repository/store/contract.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import type { BinaryValue } from '../../repository/value.js';
import { collect, sessionOf, temporaryFolder } from '../repository/world.js';
import { content, openOver, openStoresIn, storeBackends } from './world.js';

interface Content {
  readonly stores: RepositoryStores;
  readonly repository: Repository;
  readonly picture: BinaryValue;
  readonly identifier: string;
}

/** /a with a policy, /a/picture with bytes and /a/plan that lists them. */
async function createContent(stores: RepositoryStores): Promise<Content> {
  const repository = await openOver(stores);
  const session = await sessionOf(repository);
  const picture = await session.createBinary(content('picture'));
  const { identifier } = await session.addNode('/a');
  await session.addNode('/a/picture', { properties: { data: picture } });
  await session.addNode('/a/plan', { properties: { 'satchel:blobs': [picture.sha256] } });
  await session.addNode('/a/rep:policy', { primaryType: 'rep:ACL' });
  await session.save();
  return { stores, repository, picture, identifier };
}

async function codesOf(stores: RepositoryStores, options?: CheckOptions): Promise<string[]> {
  const found = await collect(checkRepository(stores, options));
  return found.map(({ code, path, repaired }) => `${code} ${path}${repaired ? ' (repaired)' : ''}`);
}

async function write({ nodes }: RepositoryStores, ...writes: Write[]): Promise<void> {
  await nodes.commit({ preconditions: [], writes, entry: '{"u":"x","t":"2024-01-01T00:00:00.000Z","c":[]}' });
}

async function recordOf({ nodes }: RepositoryStores, path: string): Promise<string> {
  const snapshot = await nodes.snapshot();
  const [record] = await snapshot.getMany([nodeKey(path)]);
  await snapshot.close();
  return record?.value ?? '';
}

describe.each(Object.entries(storeBackends))('a check on %s', (_name, open) => {
  it.each([{}, { deep: true }])('finds nothing where nothing is wrong (%o)', async (options) => {
    const { stores } = await createContent(await open());
    expect(await codesOf(stores, options)).toEqual([]);
  });

  it('counts what it looked at', async () => {
    const { stores, repository } = await createContent(await open());
    let nodes = 0;
    await codesOf(stores, { onProgress: (progress) => (nodes = progress.nodes) });
    const session = await sessionOf(repository);
    expect(nodes).toBe((await collect(session.descendants('/'))).length + 1);
  });
});

type Damage = (content: Content) => Promise<Write[]> | Write[];

describe.each(Object.entries(storeBackends))('a check of damage on %s', (_name, open) => {
  const contentDamage: readonly [string, Damage, string[]][] = [
    ['a record that is no JSON', () => [{ key: nodeKey('/a/plan'), value: '{"i":' }], ['RECORD_UNREADABLE /a/plan']],
    [
      'a record without an identifier',
      () => [{ key: nodeKey('/a/plan'), value: '{"p":{}}' }],
      ['RECORD_UNREADABLE /a/plan'],
    ],
    ['a key that is no path', () => [{ key: 'n/a\0b/c', value: '{}' }], ['KEY_MALFORMED "n/a\\u0000b/c"']],
    [
      'a missing parent',
      async ({ stores }) => {
        const value = (await recordOf(stores, '/a/plan')).replace(/"i":"[^"]+"/, '"i":"orphan"');
        return [
          { key: nodeKey('/gone/child'), value },
          { key: identifierKey('orphan'), value: '/gone/child' },
        ];
      },
      ['PARENT_MISSING /gone/child'],
    ],
    [
      'one identifier on two nodes',
      async ({ stores }) => [{ key: nodeKey('/copy'), value: await recordOf(stores, '/a') }],
      ['IDENTIFIER_SHARED /copy'],
    ],
    ['a malformed reference', () => [{ key: 'rid', value: '' }], ['REFERENCE_MALFORMED "rid"']],
  ];
  it.each(contentDamage)('names %s, and does not repair it', async (_name, damage, expected) => {
    const world = await createContent(await open());
    await write(world.stores, ...(await damage(world)));
    expect(await codesOf(world.stores)).toEqual(expected);
    expect(await codesOf(world.stores, { repair: true })).toEqual(expected);
    expect(await codesOf(world.stores)).toEqual(expected);
  });

  const derivedDamage: readonly [string, Damage, string[]][] = [
    [
      'an identifier that leads nowhere',
      () => [{ key: identifierKey('nobody'), value: '/nowhere' }],
      ['IDENTIFIER_STALE /nowhere'],
    ],
    [
      'an identifier that is not known',
      ({ identifier }) => [{ key: identifierKey(identifier), remove: true }],
      ['IDENTIFIER_UNKNOWN /a'],
    ],
    ['a policy that is not applied', () => [{ key: policyKey('/a'), remove: true }], ['POLICY_UNKNOWN /a/rep:policy']],
    ['a policy that is not there', () => [{ key: policyKey('/a/plan'), value: '' }], ['POLICY_STALE /a/plan']],
    [
      'a mark of a node without children on one that has some',
      async ({ stores }) => [
        { key: nodeKey('/a'), value: (await recordOf(stores, '/a')).replace(/("i":"[^"]+")/, '$1,"l":1') },
      ],
      ['LEAF_WITH_CHILDREN /a'],
    ],
    ['a reference that is none', () => [{ key: 'rid\0/a', value: '{"h":["x"]}' }], ['REFERENCE_STALE /a']],
    [
      'a reference that its target does not know',
      async ({ stores, repository, identifier }) => {
        await repository.withSession('admin', async (session) => {
          const target = { type: 'Reference', multiple: false, values: [identifier] } as const;
          await session.setProperties('/a', { 'jcr:mixinTypes': ['mix:referenceable'] });
          await session.setProperties('/a/plan', { target });
          await session.save();
        });
        expect(await codesOf(stores)).toEqual([]);
        return [{ key: referenceKey(identifier, '/a/plan'), remove: true }];
      },
      ['REFERENCE_UNKNOWN /a/plan'],
    ],
    [
      'a mark of the collector that does not parse',
      ({ picture }) => [{ key: `b${picture.sha256}`, value: 'x' }],
      [`MARK_UNREADABLE`],
    ],
  ];
  it.each(derivedDamage)('repairs %s when told to', async (_name, damage, expected) => {
    const world = await createContent(await open());
    await write(world.stores, ...(await damage(world)));
    const before = await codesOf(world.stores);
    expect(before.map((line, index) => line.startsWith(expected[index] ?? '?'))).toEqual(expected.map(() => true));
    expect(await codesOf(world.stores, { repair: true })).toEqual(before.map((line) => `${line} (repaired)`));
    expect(await codesOf(world.stores)).toEqual([]);
  });

  it('leads an identifier back to its node', async () => {
    const { stores, repository, identifier } = await createContent(await open());
    await write(stores, { key: identifierKey(identifier), value: '/a/plan' });
    expect(await codesOf(stores, { repair: true })).toEqual(['IDENTIFIER_UNKNOWN /a (repaired)']);
    const session = await sessionOf(repository);
    expect((await session.findNodeByIdentifier(identifier))?.path).toBe('/a');
  });

  it('says what a finding means and what to do', async () => {
    const { stores } = await createContent(await open());
    await write(stores, { key: policyKey('/a/plan'), value: '' });
    expect(await collect(checkRepository(stores))).toEqual([
      {
        code: 'POLICY_STALE',
        path: '/a/plan',
        meaning: 'A record says that there is a policy, and there is none.',
        advice: 'Run the check with --repair, which removes the record.',
        repaired: false,
      },
    ]);
  });

  it('names every property whose bytes are gone', async () => {
    const { stores, picture } = await createContent(await open());
    await stores.blobs.remove(picture.sha256);
    expect(await codesOf(stores)).toEqual(['BLOB_MISSING /a/picture/data', 'BLOB_MISSING /a/plan/satchel:blobs']);
  });

  it('names a cursor that is ahead of everything', async () => {
    const { stores } = await createContent(await open());
    await stores.nodes.setCursor('index', (await stores.nodes.head()) + 1);
    expect(await codesOf(stores)).toEqual(['CURSOR_BEYOND index']);
  });

  it('names a journal entry that does not parse', async () => {
    const { stores } = await createContent(await open());
    const sequence = await stores.nodes.commit({ preconditions: [], writes: [], entry: 'x' });
    expect(await codesOf(stores)).toEqual([`JOURNAL_DAMAGED commit ${sequence}`]);
  });
});

/** Of the store that is made of files; what S3 and PostgreSQL do with damage is in test/repository. */
describe('damaged files', () => {
  it('a blob that was cut is found by its size, one that was changed by its hash', async () => {
    const folder = await temporaryFolder();
    const { stores, picture } = await createContent(await openStoresIn(folder));
    const file = (await stores.blobs.localFile?.(picture.sha256)) ?? '';
    await writeFile(file, content('pictura'));
    expect(await codesOf(stores)).toEqual([]);
    expect(await codesOf(stores, { deep: true })).toEqual(['BLOB_DAMAGED /a/picture/data']);
    await truncate(file, 100);
    expect(await codesOf(stores)).toEqual(['BLOB_TRUNCATED /a/picture/data']);
  });

  it('bytes that no node refers to are read too, as the next upload would take them over', async () => {
    const folder = await temporaryFolder();
    const { stores, repository } = await createContent(await openStoresIn(folder));
    const { sha256 } = await (await sessionOf(repository)).createBinary(content('orphan'));
    await writeFile((await stores.blobs.localFile?.(sha256)) ?? '', content('orphax'));
    expect(await codesOf(stores, { deep: true })).toEqual([`BLOB_DAMAGED ${sha256}`]);
  });

  it('a database that does not open says so', async () => {
    const folder = await temporaryFolder();
    const stores = await openStoresIn(folder);
    await stores.nodes.close();
    const database = join(folder, 'repository');
    for (const name of await readdir(database)) {
      if (name.startsWith('MANIFEST')) await truncate(join(database, name), 5);
    }
    const error: unknown = await createLevelNodeStore({ folder: database }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RepositoryError);
    expect(error).toMatchObject({ code: 'STORE_CORRUPT' });
  });
});
