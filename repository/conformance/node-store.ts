/** What every node store must do; a backend's test file calls this with a way to open an empty store. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { StoreConflict } from '../store/contract.js';
import type { NodeStore, Precondition, StoredEntry, StoreSnapshot, Write } from '../store/contract.js';
import { maxKeyBytes } from '../store/key-limit.js';
import { collect } from './collect.js';
import type { TestFunctions } from './test-functions.js';

/**
 * Declares the tests of a node store (store/contract.ts).
 *
 * @param name shown in the titles of the tests
 * @param open an empty store, another one at every call; the suite closes it
 */
export function describeNodeStore(
  name: string,
  open: () => Promise<NodeStore>,
  { describe, it, expect, onTestFinished }: TestFunctions,
): void {
  const opened = async (): Promise<NodeStore> => {
    const store = await open();
    onTestFinished(() => store.close());
    return store;
  };
  const snapshotOf = async (store: NodeStore): Promise<StoreSnapshot> => {
    const snapshot = await store.snapshot();
    onTestFinished(() => snapshot.close());
    return snapshot;
  };

  describe(`node store: ${name}`, () => {
    it('starts empty at sequence 0', async () => {
      const store = await opened();
      expect(await store.head()).toBe(0);
      const snapshot = await snapshotOf(store);
      expect(snapshot.sequence).toBe(0);
      expect(await snapshot.getMany(['a'])).toEqual([undefined]);
      expect(await collect(store.journal(0))).toEqual([]);
    });

    it('can be closed again', async () => {
      const store = await opened();
      await commit(store, { writes: [put('a', '1')] });
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
    });

    it('answers getMany in the order of the keys, with the version of the commit that wrote each', async () => {
      const store = await opened();
      await commit(store, { writes: [put('a', '1'), put('b', 'with : colon')] });
      await commit(store, { writes: [put('a', '2')] });
      const snapshot = await snapshotOf(store);
      expect(await snapshot.getMany(['b', 'missing', 'a', 'b'])).toEqual([
        { value: 'with : colon', version: 1 },
        undefined,
        { value: '2', version: 2 },
        { value: 'with : colon', version: 1 },
      ]);
      const many = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? 'a' : `none${index}`));
      expect((await snapshot.getMany(many)).map((record) => record?.value)).toEqual(
        many.map((key) => (key === 'a' ? '2' : undefined)),
      );
    });

    it('finds each key by itself, whatever its length and the bytes of its characters', async () => {
      const store = await opened();
      const lengths = [1, 20, 21, 22, 31, 32, 33, 63, 64, 65, 66, 67, 300, 682, 683, 684, 1024, 2048];
      const keys = ['x', 'ü', '€', '😀']
        .flatMap((character) =>
          ['', 'k', 'kk', 'kkk'].flatMap((start) => lengths.map((length) => start + character.repeat(length))),
        )
        .filter((key) => Buffer.byteLength(key) <= maxKeyBytes);
      // Some stores reuse memory for keys, so each is looked up alone, short and long ones in turn.
      const inTurn = keys.toSorted((a, b) => (keys.indexOf(a) % 7) - (keys.indexOf(b) % 7));
      await commit(store, { writes: keys.map((key, index) => put(key, String(index))) });
      const snapshot = await snapshotOf(store);
      for (const key of inTurn) {
        expect(await snapshot.getMany([key])).toEqual([{ value: String(keys.indexOf(key)), version: 1 }]);
      }
    });

    it.each([
      ['of letters', (bytes: number) => unlike(bytes, 1, (place) => String.fromCodePoint(0x61 + (place % 26)))],
      [
        'of three bytes a character',
        (bytes: number) => unlike(bytes, 3, (place) => String.fromCodePoint(0x4e00 + place)),
      ],
      [
        'of four bytes a character',
        (bytes: number) => unlike(bytes, 4, (place) => String.fromCodePoint(0x20000 + place)),
      ],
      ['of zeros', (bytes: number) => '\0'.repeat(bytes / 2)],
    ])('holds keys of as many bytes as a key may have, %s, and refuses longer ones whole', async (_what, keyOf) => {
      const store = await opened();
      const longest = keyOf(maxKeyBytes);
      await commit(store, { writes: [put('before', ''), put(longest, '1')] });
      await commit(store, { writes: [put(longest, '2')] });
      const tooLong = commit(store, { writes: [put('more', ''), put(`${longest}x`, '')] });
      await expect(tooLong).rejects.toMatchObject({ code: 'KEY_TOO_LONG' });
      expect(await store.head()).toBe(2);
      const snapshot = await snapshotOf(store);
      expect(await snapshot.getMany([longest, `${longest}x`, 'more'])).toEqual([
        { value: '2', version: 2 },
        undefined,
        undefined,
      ]);
      expect(await keysOf(snapshot.range({ gte: longest, lt: `${longest}x` }))).toEqual([longest]);
    });

    it('gives a snapshot that holds the commit it is asked for', async () => {
      const store = await opened();
      for (let count = 1; count <= 3; count++) {
        const sequence = await commit(store, { writes: [put('counter', String(count))] });
        const snapshot = await store.snapshot(sequence);
        onTestFinished(() => snapshot.close());
        expect(snapshot.sequence).toBe(sequence);
        expect(await snapshot.getMany(['counter'])).toEqual([{ value: String(count), version: sequence }]);
      }
    });

    it('keeps a snapshot as it was, and a range that is under way with it', async () => {
      const store = await opened();
      await commit(store, { writes: numbered(1000) });
      const before = await snapshotOf(store);
      const range = before.range({ gte: 'k', lt: 'l' })[Symbol.asyncIterator]();
      const first = await range.next();
      await commit(store, { writes: [remove('k0999'), put('k0998', 'changed'), put('k1000', 'new')] });
      const seen = [...(first.done === true ? [] : first.value)];
      for (let next = await range.next(); next.done !== true; next = await range.next()) seen.push(...next.value);
      expect(seen.map(({ key }) => key)).toEqual(numbered(1000).map(({ key }) => key));
      expect(seen.at(-2)?.value).toBe('998');
      expect(before.sequence).toBe(1);
      expect((await before.getMany(['k1000']))[0]).toBeUndefined();
      expect((await (await snapshotOf(store)).getMany(['k0999', 'k1000'])).map((r) => r?.value)).toEqual([
        undefined,
        'new',
      ]);
    });

    it('gives ranges in the order of UTF-8 bytes, forward and in reverse, with limits over all batches', async () => {
      const store = await opened();
      // U+FF5E is a later UTF-16 unit than the surrogates of U+1F600, and an earlier code point.
      const keys = ['a', 'a\0b', 'a-b', 'a/b', 'aa', 'a\uff5e', 'a😀', 'b'];
      await commit(store, { writes: keys.toReversed().map((key) => put(key, key)) });
      const snapshot = await snapshotOf(store);
      const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keysOf(snapshot.range({ gte: 'a', lt: 'c' }))).toEqual(byBytes);
      expect(await keysOf(snapshot.range({ gte: 'a', lt: 'c' }, { reverse: true }))).toEqual(byBytes.toReversed());
      expect(await keysOf(snapshot.range({ gte: 'a\0', lt: 'a\u0001' }))).toEqual(['a\0b']);
      expect(await keysOf(snapshot.range({ gte: 'a/', lt: 'a0' }))).toEqual(['a/b']);
      expect(await keysOf(snapshot.range({ gte: 'a', lt: 'b' }, { limit: 5 }))).toEqual(byBytes.slice(0, 5));
      expect(await keysOf(snapshot.range({ gte: 'b', lt: 'a' }))).toEqual([]);
      await commit(store, { writes: numbered(1000) });
      const limited = await keysOf((await snapshotOf(store)).range({ gte: 'k', lt: 'l' }, { limit: 700 }));
      expect(limited).toEqual(numbered(700).map(({ key }) => key));
    });

    it('applies all writes of a commit, or none when a precondition fails', async () => {
      const store = await opened();
      await commit(store, { writes: [put('a', '1')] });
      const failing: Precondition = { kind: 'version', key: 'a', version: 0 };
      const error = await commit(store, {
        preconditions: [{ kind: 'exists', key: 'a' }, failing, { kind: 'version', key: 'b', version: 0 }],
        writes: [put('a', '2'), put('b', '2')],
      }).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(StoreConflict);
      expect((error as StoreConflict).failed).toEqual([failing]);
      expect(await store.head()).toBe(1);
      expect(await (await snapshotOf(store)).getMany(['a', 'b'])).toEqual([{ value: '1', version: 1 }, undefined]);
      expect(await collect(store.journal(0))).toHaveLength(1);
    });

    it.each<[string, Precondition, boolean]>([
      ['version of a record as it is', { kind: 'version', key: 'a', version: 3 }, true],
      ['version of a record as it was', { kind: 'version', key: 'a', version: 1 }, false],
      ['version 0 of no record', { kind: 'version', key: 'none', version: 0 }, true],
      ['version 0 of a removed record', { kind: 'version', key: 'b', version: 0 }, true],
      ['version of a removed record', { kind: 'version', key: 'b', version: 1 }, false],
      ['exists', { kind: 'exists', key: 'a' }, true],
      ['exists, removed', { kind: 'exists', key: 'b' }, false],
      ['exists, never written', { kind: 'exists', key: 'none' }, false],
      ['unchanged since the last write', { kind: 'unchanged', range: { gte: 'a', lt: 'b' }, since: 3 }, true],
      ['unchanged, but written', { kind: 'unchanged', range: { gte: 'a', lt: 'b' }, since: 2 }, false],
      ['unchanged since a removal', { kind: 'unchanged', range: { gte: 'b', lt: 'c' }, since: 2 }, true],
      ['unchanged, but removed', { kind: 'unchanged', range: { gte: 'b', lt: 'c' }, since: 1 }, false],
      ['unchanged, a range nobody wrote', { kind: 'unchanged', range: { gte: 'x', lt: 'y' }, since: 0 }, true],
    ])('decides a precondition: %s', async (_rule, precondition, holds) => {
      const store = await opened();
      await commit(store, { writes: [put('a', '1'), put('b', '1')] });
      await commit(store, { writes: [remove('b')] });
      await commit(store, { writes: [put('a', '3')] });
      const outcome = commit(store, { preconditions: [precondition], writes: [put('c', '4')] });
      if (holds) await expect(outcome).resolves.toBe(4);
      else await expect(outcome).rejects.toMatchObject({ failed: [precondition] });
    });

    it('lets exactly one of many simultaneous commits win a precondition that all of them break', async () => {
      const store = await opened();
      await commit(store, { writes: [put('counter', '0')] });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          commit(store, {
            preconditions: [{ kind: 'version', key: 'counter', version: 1 }],
            writes: [put('counter', String(index)), put(`by${index}`, '')],
          }),
        ),
      );
      const winners = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await store.head()).toBe(2);
      const [counter] = await (await snapshotOf(store)).getMany(['counter']);
      expect(counter).toEqual({ value: String(winners[0]), version: 2 });
    });

    it('sees a subtree that a commit of the same moment wrote into', async () => {
      const store = await opened();
      await commit(store, { writes: [put('parent', '')] });
      const outcomes = await Promise.allSettled([
        commit(store, { preconditions: [{ kind: 'exists', key: 'parent' }], writes: [put('parent/child', '')] }),
        commit(store, {
          preconditions: [{ kind: 'unchanged', range: { gte: 'parent/', lt: 'parent0' }, since: 1 }],
          writes: [remove('parent')],
        }),
        commit(store, { preconditions: [{ kind: 'exists', key: 'parent' }], writes: [put('parent/other', '')] }),
      ]);
      const [parent, child, other] = await (
        await snapshotOf(store)
      ).getMany(['parent', 'parent/child', 'parent/other']);
      const removed = outcomes[1].status === 'fulfilled';
      expect(parent === undefined).toBe(removed);
      expect(removed && (child !== undefined || other !== undefined), 'no child without its parent').toBe(false);
      expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true);
    });

    it('appends one journal entry per commit, without gaps, whatever commits at the same time', async () => {
      const store = await opened();
      const sequences = await Promise.all(
        Array.from({ length: 50 }, (_, index) => commit(store, { writes: [put(`k${index}`, '')], entry: `e${index}` })),
      );
      expect(sequences.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      const journal = await collect(store.journal(0));
      expect(journal.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      for (const { sequence, entry } of journal) expect(entry).toBe(`e${sequences.indexOf(sequence)}`);
      expect(await collect(store.journal(48))).toEqual(journal.slice(48));
      expect(await collect(store.journal(50))).toEqual([]);
    });

    it('calls back after commits, when they can be read, and stops when told', async () => {
      const store = await opened();
      let calls = 0;
      let stop = () => {};
      const head = new Promise<number>((resolve) => {
        stop = store.onCommit(() => {
          calls++;
          // A call may come for nothing, before the commit.
          void store.head().then((sequence) => sequence > 0 && resolve(sequence));
        });
      });
      await commit(store, { writes: [put('a', '1')] });
      expect(await head).toBe(1);
      stop();
      calls = 0;
      const heard = new Promise<void>((resolve) => store.onCommit(resolve));
      await commit(store, { writes: [put('a', '2')] });
      await heard;
      expect(calls).toBe(0);
    });

    it('keeps named cursors apart from the journal', async () => {
      const store = await opened();
      expect(await store.getCursor('index')).toBeUndefined();
      await store.setCursor('index', 7);
      await store.setCursor('launcher/a', 0);
      expect(await store.getCursor('index')).toBe(7);
      expect(await store.getCursor('launcher/a')).toBe(0);
      await store.setCursor('index', 8);
      expect(await store.getCursor('index')).toBe(8);
      expect(await store.head()).toBe(0);
    });

    it('moves a cursor forward only', async () => {
      const store = await opened();
      await Promise.all([7, 9, 8].map(async (position) => store.setCursor('shared', position)));
      expect(await store.getCursor('shared')).toBe(9);
      await store.setCursor('shared', 3);
      expect(await store.getCursor('shared')).toBe(9);
      await store.removeCursor('shared');
      await store.setCursor('shared', 3);
      expect(await store.getCursor('shared')).toBe(3);
    });

    it('lists cursors and removes them', async () => {
      const store = await opened();
      expect(await store.cursors()).toEqual(new Map());
      await store.setCursor('index', 7);
      await store.setCursor('b\0c', 2);
      await store.removeCursor('never set');
      expect(await store.cursors()).toEqual(
        new Map([
          ['index', 7],
          ['b\0c', 2],
        ]),
      );
      await store.removeCursor('index');
      expect(await store.getCursor('index')).toBeUndefined();
      expect(await store.cursors()).toEqual(new Map([['b\0c', 2]]));
    });

    it('keeps the journal from where it was trimmed, and says JOURNAL_TRIMMED before', async () => {
      const store = await opened();
      for (const key of ['a', 'b', 'c', 'd']) await commit(store, { writes: [put(key, key)], entry: key });
      expect(await store.journalStart()).toBe(0);
      await store.trimJournal(2);
      await store.trimJournal(1);
      expect(await store.journalStart()).toBe(2);
      expect(await collect(store.journal(2))).toEqual([
        { sequence: 3, entry: 'c' },
        { sequence: 4, entry: 'd' },
      ]);
      await expect(collect(store.journal(1))).rejects.toMatchObject({ code: 'JOURNAL_TRIMMED' });
      await store.trimJournal(99);
      expect(await store.journalStart()).toBe(4);
      expect(await collect(store.journal(4))).toEqual([]);
      expect(await commit(store, { writes: [], entry: 'next' })).toBe(5);
      expect(await collect(store.journal(4))).toEqual([{ sequence: 5, entry: 'next' }]);
      expect((await (await snapshotOf(store)).getMany(['a']))[0]).toEqual({ value: 'a', version: 1 });
    });

    it('restores the content of another store with versions, journal and cursors, and goes on from its head', async () => {
      const source = await opened();
      await commit(source, { writes: [...numbered(600), put('odd\0key', '\0\u0001')], entry: 'one' });
      await commit(source, { writes: [put('k0001', 'changed'), remove('k0002')], entry: 'two' });
      await commit(source, { writes: [put('z', 'last')], entry: 'three' });
      await source.trimJournal(1);
      await source.setCursor('index', 2);
      const whole = { gte: '', lt: '\u{10ffff}' };
      const before = await snapshotOf(source);
      const target = await opened();
      await target.restore({
        sequence: before.sequence,
        journalStart: await source.journalStart(),
        records: before.range(whole),
        journal: source.journal(1),
        cursors: await source.cursors(),
      });
      expect(await target.head()).toBe(3);
      expect(await target.journalStart()).toBe(1);
      expect(await collect(target.journal(1))).toEqual(await collect(source.journal(1)));
      expect(await target.cursors()).toEqual(new Map([['index', 2]]));
      const restored = await snapshotOf(target);
      const entriesOf = async (snapshot: typeof restored) => (await collect(snapshot.range(whole))).flat();
      expect(await entriesOf(restored)).toEqual(await entriesOf(before));
      const next = await commit(target, {
        preconditions: [
          { kind: 'version', key: 'k0001', version: 2 },
          { kind: 'version', key: 'k0002', version: 0 },
          { kind: 'unchanged', range: { gte: 'k', lt: 'l' }, since: 3 },
        ],
        writes: [put('k0001', 'again')],
      });
      expect(next).toBe(4);
    });

    it('says STORE_NOT_EMPTY for a restore into a store that holds content, and leaves it as it is', async () => {
      const store = await opened();
      await commit(store, { writes: [put('a', '1')] });
      const content = {
        sequence: 9,
        journalStart: 9,
        records: collectable([[{ key: 'b', value: '', version: 9 }]]),
        journal: collectable([]),
        cursors: new Map([['c', 1]]),
      };
      await expect(store.restore(content)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' });
      expect(await store.head()).toBe(1);
      expect(await (await snapshotOf(store)).getMany(['a', 'b'])).toEqual([{ value: '1', version: 1 }, undefined]);
      expect(await store.cursors()).toEqual(new Map());
    });

    it('is empty again after a restore that broke off', async () => {
      const store = await opened();
      const failure = new Error('the backup broke');
      async function* broken(): AsyncGenerator<readonly StoredEntry[]> {
        yield [{ key: 'a', value: '1', version: 1 }];
        throw failure;
      }
      const restored = store.restore({
        sequence: 1,
        journalStart: 0,
        records: broken(),
        journal: collectable([{ sequence: 1, entry: '' }]),
        cursors: new Map(),
      });
      await expect(restored).rejects.toBe(failure);
      expect(await store.head()).toBe(0);
      expect(await (await snapshotOf(store)).getMany(['a'])).toEqual([undefined]);
      expect(await commit(store, { writes: [put('a', '2')] })).toBe(1);
    });

    it('holds what a plain map would, for any sequence of commits', async () => {
      const key = fc.constantFrom('a', 'a\0x', 'a/b\0c', 'b', '\u{10ffff}', '\uffff');
      const write = fc.tuple(key, fc.option(fc.string({ unit: 'binary', maxLength: 8 })));
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.uniqueArray(write, { selector: ([k]) => k }), { maxLength: 12 }),
          async (commits) => {
            const store = await open();
            try {
              const expected = new Map<string, { value: string; version: number }>();
              for (const [index, writes] of commits.entries()) {
                await commit(store, { writes: writes.map(([k, v]) => (v === null ? remove(k) : put(k, v))) });
                for (const [k, value] of writes) {
                  if (value === null) expected.delete(k);
                  else expected.set(k, { value, version: index + 1 });
                }
              }
              const snapshot = await store.snapshot();
              const entries = (await collect(snapshot.range({ gte: '', lt: '\u{10ffff}z' }))).flat();
              await snapshot.close();
              expect(entries).toEqual(
                [...expected]
                  .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
                  .map(([k, record]) => ({ key: k, ...record })),
              );
            } finally {
              await store.close();
            }
          },
        ),
        { numRuns: 30 },
      );
    });
  });
}

function commit(
  store: NodeStore,
  { preconditions = [], writes, entry = '' }: { preconditions?: Precondition[]; writes: Write[]; entry?: string },
): Promise<number> {
  return store.commit({ preconditions, writes, entry });
}

const put = (key: string, value: string): Write => ({ key, value });
const remove = (key: string): Write => ({ key, remove: true });

/** Text of so many bytes that no compression shortens much: characters by the bytes of hashes. */
function unlike(bytes: number, bytesPerCharacter: number, character: (place: number) => string): string {
  let text = '';
  for (let count = 0; count < Math.floor(bytes / bytesPerCharacter); count++) {
    text += character(createHash('sha256').update(String(count)).digest().readUInt16BE() % 0x3fff);
  }
  return text + 'x'.repeat(bytes % bytesPerCharacter);
}

function numbered(count: number): Write[] {
  return Array.from({ length: count }, (_, index) => put(`k${String(index).padStart(4, '0')}`, String(index)));
}

async function* collectable<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function keysOf(range: AsyncIterable<readonly StoredEntry[]>): Promise<string[]> {
  return (await collect(range)).flat().map(({ key }) => key);
}
