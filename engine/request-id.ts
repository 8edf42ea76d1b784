import { randomBytes } from 'node:crypto';

/** Sorts by time, tells a person when, and is never given twice: `20220812-170304195-9f3c01ab27de`. */
export function createRequestId(now: Date): string {
  const digits = now.toISOString().replaceAll(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-${randomBytes(6).toString('hex')}`;
}
