import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPace } from '../../activities/mail/pace.js';

describe('createPace', () => {
  it('lets no second hold more starts than the rate, and holds nothing back longer than that takes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 200 }),
        (rate, gaps) => {
          const pace = createPace(() => rate);
          let now = 0;
          const starts = gaps.map((gap) => {
            now += gap;
            return now + pace(now);
          });
          for (const [index, start] of starts.entries()) {
            const earlier = starts[index - rate];
            if (earlier !== undefined) expect(start - earlier).toBeGreaterThan(1000 - 1e-6);
          }
          expect(starts.at(-1)).toBeLessThanOrEqual(now + ((gaps.length - 1) * 1000) / rate + 1e-6);
        },
      ),
    );
  });

  it('waits for nothing without a rate, and goes by a new one from the next start on', () => {
    let rate = 0;
    const pace = createPace(() => rate);
    expect([pace(0), pace(0)]).toEqual([0, 0]);
    rate = 4;
    expect([pace(0), pace(0), pace(0)]).toEqual([0, 250, 500]);
  });
});
