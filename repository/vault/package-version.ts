/**
 * Versions of packages, ordered as Maven orders them, and ranges of them.
 * https://maven.apache.org/pom.html#version-order-specification
 */
import { RepositoryError } from '../errors.js';

/** Qualifiers that Maven knows, before and after the release itself (`''`). */
const qualifiers = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp'];
const aliases: Readonly<Record<string, string>> = {
  a: 'alpha',
  b: 'beta',
  m: 'milestone',
  cr: 'rc',
  ga: '',
  final: '',
  release: '',
};

interface Part {
  readonly separator: '.' | '-';
  readonly value: bigint | string;
}

/** @returns negative, zero or positive, as `Array.sort` wants it */
export function compareVersions(one: string, other: string): number {
  const [ours, theirs] = [partsOf(one), partsOf(other)];
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const order = compareParts(ours[index], theirs[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function partsOf(version: string): Part[] {
  const parts: Part[] = [];
  let separator: Part['separator'] = '.';
  for (const [token] of version.toLowerCase().matchAll(/\d+|[.\-_]|[^\d.\-_]+/g)) {
    if (token === '.' || token === '-' || token === '_') separator = token === '.' ? '.' : '-';
    else {
      const value = /^\d/.test(token) ? BigInt(token) : (aliases[token] ?? token);
      parts.push({ separator, value });
      // Between digits and letters Maven sees a hyphen.
      separator = '-';
    }
  }
  return withoutTrailingNulls(parts);
}

/** `1.0.0` is `1`, and `1.0-rc` is `1-rc`. */
function withoutTrailingNulls(parts: readonly Part[]): Part[] {
  const kept: Part[] = [];
  for (const [index, part] of parts.entries()) {
    const rest = parts.slice(index);
    const upToHyphen = rest.findIndex(({ separator }, at) => at > 0 && separator === '-');
    const segment = upToHyphen < 0 ? rest : rest.slice(0, upToHyphen);
    if (!segment.every(({ value }) => value === 0n || value === '')) kept.push(part);
  }
  return kept;
}

function compareParts(one: Part | undefined, other: Part | undefined): number {
  const [a, b] = [rankOf(one), rankOf(other)];
  for (const [index, value] of a.entries()) {
    const against = b[index] ?? '';
    if (value !== against) return value < against ? -1 : 1;
  }
  return 0;
}

/** What is missing counts as the release: after `rc` and `snapshot`, before `sp`, other words and numbers. */
function rankOf(part: Part | undefined): [number, number, bigint, string] {
  if (part === undefined) return [0, qualifiers.indexOf(''), 0n, ''];
  if (typeof part.value === 'bigint') return [part.separator === '-' ? 1 : 2, 0, part.value, ''];
  const known = qualifiers.indexOf(part.value);
  return known < 0 ? [0, qualifiers.length, 0n, part.value] : [0, known, 0n, ''];
}

export interface VersionRange {
  readonly low: string | undefined;
  readonly lowIncluded: boolean;
  readonly high: string | undefined;
  readonly highIncluded: boolean;
}

/** `[1.0,2.0)`, `(1.0,]`; a version alone is the least; nothing is any. @throws INVALID_VALUE */
export function parseVersionRange(text: string): VersionRange {
  const trimmed = text.trim();
  const [, open, low, high, close] = /^([[(])([^,[\]()]*),([^,[\]()]*)([\])])$/.exec(trimmed) ?? [];
  if (open === undefined) {
    if (/[[\](),]/.test(trimmed)) {
      throw new RepositoryError('INVALID_VALUE', `The version range "${trimmed}" is none: write it as [1.0,2.0).`);
    }
    return { low: trimmed || undefined, lowIncluded: true, high: undefined, highIncluded: false };
  }
  return {
    low: low?.trim() || undefined,
    lowIncluded: open === '[',
    high: high?.trim() || undefined,
    highIncluded: close === ']',
  };
}

export function isInRange(version: string, { low, lowIncluded, high, highIncluded }: VersionRange): boolean {
  const fromLow = low === undefined ? 1 : compareVersions(version, low);
  const toHigh = high === undefined ? -1 : compareVersions(version, high);
  return (fromLow > 0 || (fromLow === 0 && lowIncluded)) && (toHigh < 0 || (toHigh === 0 && highIncluded));
}
