/**
 * How workflows and work items are listed without reading all of them: the property `listed` of each holds one value per way
 * of listing, `<key>:<value>|<place>`, and an index over it (`workflowLists` below /oak:index) answers a list as one range,
 * newest first. Places sort by time.
 */
import { createHash } from 'node:crypto';
import type { Condition, QueryOrder } from '../../repository/query/query.js';

export const listedProperty = 'listed';

/** An index orders by the first 150 characters: longer values are listed under their hash. */
const maxValueCharacters = 80;

/** @param place sorts by time and is given once: a request id, a moment and an item's id */
export function listingKey(key: string, value: string, place: string): string {
  return `${listingOf(key, value)}${place}`;
}

/** What has such a value; with `before` only what is listed after that place. */
export function listedUnder(key: string, value: string, before?: string): Condition {
  const listing = listingOf(key, value);
  return {
    property: listedProperty,
    op: 'between',
    from: { value: listing },
    // Behind every character that a place has.
    to: before === undefined ? { value: `${listing}~` } : { value: `${listing}${before}`, open: true },
  };
}

export const newestFirst: readonly QueryOrder[] = [{ property: listedProperty, direction: 'descending' }];

function listingOf(key: string, value: string): string {
  const short =
    value.length <= maxValueCharacters ? value : `#${createHash('sha256').update(value).digest('hex').slice(0, 32)}`;
  return `${key}:${short}|`;
}
