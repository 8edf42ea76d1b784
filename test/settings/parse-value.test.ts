import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSetting } from '../../dam/settings/define-setting.js';
import {
  mailFrom,
  maxAssets,
  tenantLocale,
  servletEnabled,
  settingDefinitions,
  visibleRenditions,
} from '../../dam/settings/definitions.js';
import { parseValue } from '../../dam/settings/parse-value.js';

const ratio = defineSetting({
  path: 'test',
  name: 'ratio',
  type: 'Double',
  schema: z.number().min(0, 'must not be negative'),
  default: 1,
  title: 'Ratio',
  description: 'For this test.',
  usedBy: [],
});

const problemOf = (definition: Parameters<typeof parseValue>[0], ...held: unknown[]) => {
  const parsed = parseValue(definition, held);
  return parsed.ok ? undefined : parsed.problem;
};

describe('a value counts by what it says, whatever its type', () => {
  it('as a whole number: Long, Double without a fraction, text, text with a FileVault type', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (number) => {
        for (const held of [number, BigInt(number), `${number}`, ` ${number} `, `{Long}${number}`, `+${number}`]) {
          expect(parseValue(maxAssets, [held])).toEqual({ ok: true, value: number });
        }
      }),
    );
  });

  it('as any number', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e300, noNaN: true, noDefaultInfinity: true }), (number) => {
        for (const held of [number, `${number}`, `{Double}${number}`]) {
          expect(parseValue(ratio, [held])).toEqual({ ok: true, value: number });
        }
      }),
    );
  });

  it.each([
    [true, true],
    ['true', true],
    ['{Boolean}false', false],
    [false, false],
  ])('as a Boolean: %j', (held, value) => {
    expect(parseValue(servletEnabled, [held])).toEqual({ ok: true, value });
  });

  it('as a list: one text is a list of one', () => {
    expect(parseValue(visibleRenditions, ['*.png'])).toEqual({ ok: true, value: ['*.png'] });
    expect(parseValue(visibleRenditions, [])).toEqual({ ok: true, value: [] });
  });

  it.each(['satchel@example.com', 'Satchel <satchel@example.com>', 'Grüße aus Köln <post@example.com>'])(
    'as a sender: %s',
    (sender) => {
      expect(parseValue(mailFrom, [sender])).toEqual({ ok: true, value: sender });
    },
  );
});

describe('a wrong value is named with what it must be', () => {
  const bytes = { sha256: 'a'.repeat(64), size: 1, crc32: 0 };
  it.each([
    [maxAssets, ['many'], 'must be a whole number, it is "many"'],
    [maxAssets, ['0'], 'must be a whole number from 1, it is "0"'],
    [maxAssets, [1.5], 'must be a whole number, it is "1.5"'],
    [maxAssets, ['1e3'], 'must be a whole number, it is "1e3"'],
    [maxAssets, [2n ** 60n], 'must be a whole number, it is "1152921504606846976"'],
    [maxAssets, [''], 'must be a whole number, it is ""'],
    [maxAssets, [true], 'must be a whole number, it is "true"'],
    [maxAssets, [1, 2], 'must be one value, it is "1", "2"'],
    [maxAssets, [], 'must be one value, it is an empty list'],
    [maxAssets, [bytes], 'must be a whole number, it is "bytes"'],
    [ratio, ['-1'], 'must not be negative, it is "-1"'],
    [ratio, ['NaN'], 'must be a number, it is "NaN"'],
    [servletEnabled, ['yes'], 'must be "true" or "false", it is "yes"'],
    [servletEnabled, [1], 'must be "true" or "false", it is "1"'],
    [visibleRenditions, ['a', ''], 'must hold no empty pattern, it is "a", ""'],
    [visibleRenditions, ['[a'], 'must hold patterns as "cq5dam.web.*", it is "[a"'],
    [tenantLocale, ['deutsch!'], 'must be a language tag as "de" or "de-CH", it is "deutsch!"'],
  ])('$name of %j', (definition, held, problem) => {
    expect(problemOf(definition, ...held)).toBe(problem);
  });

  it.each(['a@b@c', 'no address', 'A <a@b', 'a@b>', 'a@b, c@d', 'a@b\r\nBcc: c@d', `${'a'.repeat(320)}@b`])(
    'a sender %j',
    (sender) => {
      expect(problemOf(mailFrom, sender)).toBeDefined();
    },
  );

  it('never throws, whatever a layer holds, and shortens what it shows', () => {
    const held = fc.array(
      fc.oneof(fc.string(), fc.double(), fc.bigInt(), fc.boolean(), fc.constant(bytes), fc.constant(undefined)),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...settingDefinitions), held, (definition, values) => {
        const parsed = parseValue(definition, values);
        if (parsed.ok) expect(parseValue(definition, asHeld(parsed.value))).toEqual(parsed);
        else expect(parsed.problem.length).toBeLessThan(250);
      }),
    );
  });
});

/** What was read is a value that a layer may hold, and reads the same. */
function asHeld(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}
