import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerRange, attachment, ifRangeHolds, namesEntityTag } from '../../server/http-range.js';

describe('answerRange (RFC 9110, 14.1.2)', () => {
  const size = 10_000;
  it.each([
    ['bytes=0-499', 0, 500],
    ['bytes=500-999', 500, 500],
    ['bytes=-500', 9500, 500],
    ['bytes=9500-', 9500, 500],
    ['bytes=0-0', 0, 1],
    ['bytes=-1', 9999, 1],
    ['bytes=9000-20000', 9000, 1000],
    ['bytes=-20000', 0, 10_000],
    ['bytes = 0 - 499', 0, 500],
  ])('%s is a part', (header, start, length) => {
    expect(answerRange(header, size)).toEqual({ status: 206, range: { start, length } });
  });

  it.each([undefined, '', 'bytes', 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'items=0-5', 'bytes=a-b', 'bytes=0-1e3'])(
    '%s is the whole',
    (header) => expect(answerRange(header, size)).toEqual({ status: 200 }),
  );

  it.each(['bytes=10000-', 'bytes=10000-10001', 'bytes=-0', 'bytes=999999999999999-'])(
    '%s is not satisfiable',
    (header) => expect(answerRange(header, size)).toEqual({ status: 416 }),
  );

  it('has nothing of an empty content to give', () => {
    expect(answerRange('bytes=0-', 0)).toEqual({ status: 416 });
    expect(answerRange('bytes=-5', 0)).toEqual({ status: 416 });
  });

  it('gives exactly the bytes between first and last that exist', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (a, b, length) => {
        const [first, last] = a < b ? [a, b] : [b, a];
        const content = Array.from({ length }, (_, index) => index);
        const expected = content.filter((index) => index >= first && index <= last);
        const answer = answerRange(`bytes=${first}-${last}`, length);
        const given =
          answer.status === 206 ? content.slice(answer.range.start, answer.range.start + answer.range.length) : [];
        expect(given).toEqual(expected);
      }),
    );
  });

  it('never throws and never leaves the content, whatever the header', () => {
    const headers = fc.oneof(fc.string(), fc.stringMatching(/^bytes=[\d, -]{0,40}$/));
    fc.assert(
      fc.property(headers, fc.nat(), (header, length) => {
        const answer = answerRange(header, length);
        if (answer.status !== 206) return;
        expect(answer.range.start).toBeGreaterThanOrEqual(0);
        expect(answer.range.length).toBeGreaterThan(0);
        expect(answer.range.start + answer.range.length).toBeLessThanOrEqual(length);
      }),
    );
  });
});

describe('entity tags', () => {
  it('If-Range lets only the very same strong tag through', () => {
    expect(ifRangeHolds(undefined, '"a"')).toBe(true);
    expect(ifRangeHolds('"a"', '"a"')).toBe(true);
    expect(ifRangeHolds('"b"', '"a"')).toBe(false);
    expect(ifRangeHolds('W/"a"', '"a"')).toBe(false);
    expect(ifRangeHolds('Wed, 21 Oct 2015 07:28:00 GMT', '"a"')).toBe(false);
  });
  it('a list names one of its tags; weak comparison ignores W/', () => {
    expect(namesEntityTag('*', '"a"', 'strong')).toBe(true);
    expect(namesEntityTag('"x", "a"', '"a"', 'strong')).toBe(true);
    expect(namesEntityTag('W/"a"', '"a"', 'strong')).toBe(false);
    expect(namesEntityTag('W/"a"', '"a"', 'weak')).toBe(true);
    expect(namesEntityTag('"ab"', '"a"', 'weak')).toBe(false);
  });
});

describe('attachment (RFC 6266)', () => {
  it.each([
    ['lookbook.zip', 'attachment; filename="lookbook.zip"'],
    ['Grüße.zip', `attachment; filename="Gr__e.zip"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.zip`],
    ['a"b\\c.zip', `attachment; filename="a_b_c.zip"; filename*=UTF-8''a%22b%5Cc.zip`],
    ["it's.zip", 'attachment; filename="it\'s.zip"'],
  ])('%s', (file, header) => expect(attachment(file)).toBe(header));
  it('is a header of one line for any name', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (file) => /^[\x20-\x7e]*$/.test(attachment(file))));
  });
});
