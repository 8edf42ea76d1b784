/**
 * The protocol between a command and the process that owns the data folder: one JSON document a line. Both ends parse
 * every line with a schema, and a line longer than the bound ends the connection.
 */
import type { Socket } from 'node:net';
import { z } from 'zod';

export const protocolVersion = 1;

/** Bytes of one line. Arguments are at most some 100 KiB on any system; texts are sent in pieces of 16 Ki characters. */
export const maxFrameBytes = 1024 * 1024;
const maxPieceCharacters = 16 * 1024;

const outputShape = z.strictObject({
  isTerminal: z.boolean(),
  columns: z.int().min(1).max(10_000),
  color: z.boolean(),
});

/** From the command to the owner. */
export const requestSchema = z.discriminatedUnion('type', [
  /** First and once: what to run, and for whom. */
  z.strictObject({
    type: z.literal('call'),
    protocol: z.literal(protocolVersion),
    arguments: z.array(z.string()).max(10_000),
    cwd: z.string(),
    stdout: outputShape,
    stderr: outputShape,
  }),
  /** Ctrl-C. */
  z.strictObject({ type: z.literal('interrupt') }),
  z.strictObject({ type: z.literal('resize'), columns: z.int().min(1).max(10_000) }),
  z.strictObject({ type: z.literal('answer'), text: z.string() }),
]);
export type Request = z.infer<typeof requestSchema>;
export type CallRequest = Extract<Request, { type: 'call' }>;

/** From the owner to the command. */
export const replySchema = z.discriminatedUnion('type', [
  /** The command runs: what comes before it may be tried again elsewhere, what comes after may not. */
  z.strictObject({ type: z.literal('accepted') }),
  /** Nothing ran, and nothing will: the two processes do not understand each other. */
  z.strictObject({ type: z.literal('refused'), reason: z.string() }),
  z.strictObject({ type: z.literal('write'), to: z.enum(['stdout', 'stderr']), text: z.string() }),
  z.strictObject({ type: z.literal('ask'), question: z.string(), hidden: z.boolean() }),
  z.strictObject({ type: z.literal('exit'), code: z.union([z.literal([0, 1, 2, 3, 130])]) }),
]);
export type Reply = z.infer<typeof replySchema>;

/** Resolves when the line left, so that a slow reader slows the writer, or when the connection is gone: readers notice. */
export async function writeFrame(socket: Socket, frame: Request | Reply): Promise<void> {
  if (socket.destroyed || socket.writableEnded) return;
  if (socket.write(`${JSON.stringify(frame)}\n`)) return;
  await new Promise<void>((resolve) => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}

/** Frames as they come, until the other end is done. @throws Error on a line that is too long or does not parse */
export async function* readFrames<Frame>(socket: Socket, schema: z.ZodType<Frame>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  // Left open when reading stops: who reads may still have something to say.
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let end = pending.indexOf(10); end >= 0; end = pending.indexOf(10)) {
      const line = pending.toString('utf8', 0, end);
      pending = pending.subarray(end + 1);
      yield schema.parse(JSON.parse(line));
    }
    if (pending.length > maxFrameBytes)
      throw new Error(`a message on the socket is longer than ${maxFrameBytes} bytes`);
  }
}

/** Pieces of a text that fit a frame; never cuts a character in two. */
export function* pieces(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + maxPieceCharacters);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}
