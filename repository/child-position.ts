/**
 * Child order lives on the child, as a string that sorts bytewise among its siblings; so two sessions that add different
 * children to one node write different records. Positions are over `0-9a-z` and never end in `0`, so that there is always
 * room between two of them.
 */
const digits = '0123456789abcdefghijklmnopqrstuvwxyz';

/**
 * A position after every sibling a session at `sequence` can see: those were placed by sessions at earlier sequences.
 * @param count grows with every child the session places
 */
export function appendedPosition(sequence: number, count: number): string {
  return `${sortable(sequence)}${sortable(count)}i`;
}

/** A number as text that sorts as the number does: its count of digits first. */
function sortable(value: number): string {
  const text = value.toString(36);
  return (digits[text.length] ?? '') + text;
}

/**
 * A position between two others, `before` < `after`.
 * @param before `undefined`: at the very start
 */
export function positionBetween(before: string | undefined, after: string): string {
  return midpoint(before ?? '', after);
}

function midpoint(low: string, high: string | undefined): string {
  if (high !== undefined) {
    let shared = 0;
    while (shared < high.length && (low[shared] ?? '0') === high[shared]) shared++;
    if (shared > 0) return high.slice(0, shared) + midpoint(low.slice(shared), high.slice(shared));
  }
  const lowDigit = low === '' ? 0 : digits.indexOf(low.charAt(0));
  const highDigit = high === undefined ? digits.length : digits.indexOf(high.charAt(0));
  if (highDigit - lowDigit > 1) return digits.charAt(Math.round((lowDigit + highDigit) / 2));
  // The digits are neighbours: a shorter form of the higher one fits, or the next place has to decide.
  if (high !== undefined && high.length > 1) return high.charAt(0);
  return digits.charAt(lowDigit) + midpoint(low.slice(1), undefined);
}
