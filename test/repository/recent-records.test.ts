import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentRecords } from '../../repository/store/recent-records.js';
import type { StoredRecord } from '../../repository/store/contract.js';

type Step =
  /** `seen`: a snapshot sees the commit before the process notes it as its own. */
  | { readonly kind: 'ours'; readonly keys: readonly string[]; readonly seen: boolean }
  | { readonly kind: 'theirs'; readonly keys: readonly string[] }
  | { readonly kind: 'read'; readonly key: string; readonly back: number; readonly commitsMeanwhile: boolean };

const key = fc.constantFrom('a', 'b', 'c', 'd');
const keys = fc.uniqueArray(key, { minLength: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('ours' as const), keys, seen: fc.boolean() }),
  fc.record({ kind: fc.constant('theirs' as const), keys }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('read' as const), key, back: fc.nat(3), commitsMeanwhile: fc.boolean() }),
  },
);

/** Every state the store ever had: a commit writes or removes, by turns. */
class History {
  readonly states: ReadonlyMap<string, StoredRecord>[] = [new Map()];

  get head(): number {
    return this.states.length - 1;
  }

  commit(written: readonly string[]): number {
    const state = new Map(this.states.at(-1));
    const version = this.head + 1;
    for (const one of written) if (!state.delete(one)) state.set(one, { value: `${one}${version}`, version });
    return this.states.push(state) - 1;
  }

  at(sequence: number, one: string): StoredRecord | undefined {
    return this.states[sequence]?.get(one);
  }
}

describe('recently read records', () => {
  it('are what the store holds at the sequence that is read, whoever commits, whenever it is heard of', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const [recent, history] = [new RecentRecords(), new History()];
        for (const one of steps) {
          if (one.kind === 'theirs') {
            history.commit(one.keys);
          } else if (one.kind === 'ours') {
            const before = history.head;
            const sequence = history.commit(one.keys);
            if (one.seen) recent.reached(sequence);
            recent.wrote(before, sequence, one.keys);
          } else {
            const sequence = Math.max(0, history.head - one.back);
            recent.reached(sequence);
            const known = recent.get(one.key, sequence);
            const stored = history.at(sequence, one.key);
            if (known) {
              expect(known.record).toEqual(stored);
              continue;
            }
            if (one.commitsMeanwhile) {
              const before = history.head;
              recent.wrote(before, history.commit([one.key]), [one.key]);
            }
            recent.offer(one.key, stored, sequence);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are known again after commits of this process that did not write them', () => {
    const recent = new RecentRecords();
    recent.reached(4);
    recent.offer('a', { value: 'A', version: 2 }, 4);
    recent.offer('b', undefined, 4);
    recent.wrote(4, 6, ['c']);
    expect(recent.get('a', 6)?.record).toEqual({ value: 'A', version: 2 });
    expect(recent.get('a', 3)?.record, 'it was so before it was read').toEqual({ value: 'A', version: 2 });
    expect(recent.get('b', 6)).toEqual({ record: undefined, since: 4 });
    expect(recent.get('b', 3), 'it may have been there before').toBeUndefined();
    recent.wrote(6, 7, ['a']);
    expect(recent.get('a', 7)).toBeUndefined();
    recent.reached(8);
    expect(recent.get('b', 8), 'somebody else committed').toBeUndefined();
  });

  it('are bounded in number, and long ones are not kept', () => {
    const recent = new RecentRecords();
    recent.offer('long', { value: 'x'.repeat(2_000), version: 1 }, 0);
    expect(recent.get('long', 0)).toBeUndefined();
    for (let index = 0; index < 1_001; index++) recent.offer(`k${index}`, undefined, 0);
    expect(recent.get('k0', 0)).toBeUndefined();
    expect(recent.get('k1', 0)).toBeDefined();
    expect(recent.get('k1000', 0)).toBeDefined();
  });
});
