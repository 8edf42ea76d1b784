import type { z } from 'zod';
import { SatchelError } from '../workflows/contract/errors.js';

/** Parses what came with a request. @throws SatchelError INVALID_REQUEST naming every field that is wrong */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({
    field: path.join('.') || 'request',
    problem: message,
  }));
  throw new SatchelError(
    'INVALID_REQUEST',
    `The request is not valid: ${problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ')}.`,
    { details: { problems } },
  );
}
