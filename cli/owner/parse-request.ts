/** What the owner takes from a command. */
import { z } from 'zod';
import { protocolVersion, type Request } from './frames.js';

const outputShape = z.strictObject({
  isTerminal: z.boolean(),
  columns: z.int().min(1).max(10_000),
  color: z.boolean(),
});

const requestSchema: z.ZodType<Request> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('call'),
    protocol: z.literal(protocolVersion),
    arguments: z.array(z.string()).max(10_000),
    cwd: z.string(),
    stdout: outputShape,
    stderr: outputShape,
  }),
  z.strictObject({ type: z.literal('interrupt') }),
  z.strictObject({ type: z.literal('resize'), columns: z.int().min(1).max(10_000) }),
  z.strictObject({ type: z.literal('answer'), text: z.string(), problem: z.string().optional() }),
]);

/** @throws Error when it is no request */
export function parseRequest(document: unknown): Request {
  return requestSchema.parse(document);
}
