/** Conditional and range requests (RFC 9110, sections 13 and 14) for content whose size and strong ETag are known ahead. */
import type { ByteRange } from '../repository/store/contract.js';

export type RangeAnswer =
  { readonly status: 200 } | { readonly status: 206; readonly range: ByteRange } | { readonly status: 416 };

const whole: RangeAnswer = { status: 200 };

/**
 * What a Range header asks for. Several ranges, other units and malformed headers get the whole content, which section
 * 14.2 allows and every client understands.
 * @param size bytes of the whole content
 */
export function answerRange(header: string | undefined, size: number): RangeAnswer {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(/[ \t]/g, '') ?? '');
  if (!match) return whole;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return whole;
    const length = Math.min(Number(last), size);
    return length === 0 ? { status: 416 } : { status: 206, range: { start: size - length, length } };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return whole;
  if (start >= size) return { status: 416 };
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return { status: 206, range: { start, length: end - start + 1 } };
}

/** Whether If-Range lets the range stand: only the very same strong ETag does; a date never matches, as none is sent. */
export function ifRangeHolds(header: string | undefined, etag: string): boolean {
  return header === undefined || header.trim() === etag;
}

/** Whether a list of entity tags names this one (`*` names any). `weak` ignores `W/`, as If-None-Match asks. */
export function namesEntityTag(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true;
  return (header.match(/(?:W\/)?"[^"]*"/g) ?? []).some(
    (tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`),
  );
}

/** `attachment` with the file's name: RFC 6266, with the ASCII fallback for old clients. */
export function attachment(file: string): string {
  const ascii = file.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(file.toWellFormed()).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return ascii === file
    ? `attachment; filename="${ascii}"`
    : `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
