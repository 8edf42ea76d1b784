import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bar,
  createStyler,
  displayWidth,
  fit,
  formatBytes,
  formatDuration,
  safeText,
  table,
} from '../../cli/output/text.js';

describe('safeText', () => {
  it('shows what would steer the terminal', () => {
    expect(safeText('a\u001b[2Jb\r\n\u009b1m\u202egnp.exe')).toBe('a\\u001b[2Jb\\u000d\\u000a\\u009b1m\\u202egnp.exe');
  });
  it('leaves no control character in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(safeText(text))),
    );
  });
});

describe('widths', () => {
  it('count columns, not characters', () => {
    expect(displayWidth('Grüße')).toBe(5);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('写真')).toBe(4);
    expect(displayWidth('👩‍👩‍👧')).toBe(2);
    expect(displayWidth(createStyler(true).red('abc'))).toBe(3);
  });
  it('fit never exceeds the width and keeps what fits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, columns) => {
        const fitted = fit(text, columns);
        expect(displayWidth(fitted)).toBeLessThanOrEqual(columns);
        if (displayWidth(text) <= columns) expect(fitted).toBe(text);
      }),
    );
  });
  it('a bar is always as wide as asked', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.nat(60),
        (done, total, columns) => displayWidth(bar(done, total, columns)) === columns,
      ),
    );
    expect(bar(0, 10, 4)).toBe('    ');
    expect(bar(5, 10, 4)).toBe('██  ');
    expect(bar(10, 10, 4)).toBe('████');
  });
  it('a table aligns its columns', () => {
    expect(
      table([
        ['a', '1'],
        ['写真', '2'],
      ]),
    ).toEqual(['a     1', '写真  2']);
  });
});

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [100 * 1024, '100 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [2 ** 30, '1.0 GiB'],
  ])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([
    [0, '0.0 s'],
    [9940, '9.9 s'],
    [9960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [7_620_000, '2 h 07 min'],
  ])('%i ms are %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));
});
