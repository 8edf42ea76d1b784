/**
 * The protocol between a command and the process that owns the data folder: one JSON document a line. Both ends check every
 * document, and a line longer than the bound ends the connection.
 */
import type { Socket } from 'node:net';
import type { ExitCode } from '../command.js';

export const protocolVersion = 2;

/** Bytes of one line. Arguments are at most some 100 KiB on any system; texts are sent in pieces of 16 Ki characters. */
export const maxFrameBytes = 1024 * 1024;
const maxPieceCharacters = 16 * 1024;

interface OutputShape {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly color: boolean;
}

/** First and once: what to run, and for whom. */
export interface CallRequest {
  readonly type: 'call';
  readonly protocol: typeof protocolVersion;
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly stdout: OutputShape;
  readonly stderr: OutputShape;
}

/** From the command to the owner. */
export type Request =
  | CallRequest
  /** Ctrl-C. */
  | { readonly type: 'interrupt' }
  | { readonly type: 'resize'; readonly columns: number }
  /** To `ask`, `input` and `edit`; `problem` says why there is no text. */
  | { readonly type: 'answer'; readonly text: string; readonly problem?: string | undefined };

/** From the owner to the command. */
export type Reply =
  /** The command runs: what comes before it may be tried again elsewhere, what comes after may not. */
  | { readonly type: 'accepted' }
  /** Nothing ran, and nothing will: the two processes do not understand each other. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'write'; readonly to: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'ask'; readonly question: string; readonly hidden: boolean }
  | { readonly type: 'input' }
  | { readonly type: 'edit'; readonly name: string; readonly text: string }
  | { readonly type: 'exit'; readonly code: ExitCode };

/** Bytes of a text that is handed over whole, so that its frame stays within the bound. */
export const maxTextBytes = 128 * 1024;

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

/**
 * Frames as they come, until the other end is done.
 * @param parse throws on what is no frame
 * @throws Error on a line that is too long or does not parse
 */
export async function* readFrames<Frame>(socket: Socket, parse: (document: unknown) => Frame): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  // Left open when reading stops: who reads may still have something to say.
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let end = pending.indexOf(10); end >= 0; end = pending.indexOf(10)) {
      const line = pending.toString('utf8', 0, end);
      pending = pending.subarray(end + 1);
      yield parse(JSON.parse(line));
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
