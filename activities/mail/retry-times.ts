/** When a mail that its server did not take for now is tried again. Pure. */

const firstSeconds = 5;
const factor = 3;
/** RFC 5321, section 4.5.4.1, asks for half an hour at least, once the first quick attempts are through. */
const longestSeconds = 30 * 60;

/** Seconds from one attempt to the next: 5, 15, 45 … 1800. @param attempts those made so far, from 1 */
export function retryAfterSeconds(attempts: number): number {
  return Math.min(longestSeconds, firstSeconds * factor ** (Math.max(1, attempts) - 1));
}
