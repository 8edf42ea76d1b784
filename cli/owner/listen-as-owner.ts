/** The owner's end of the socket: runs the commands of other processes. */
import { createServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import type { ExitCode } from '../command.js';
import { assertShort } from '../output/person-text.js';
import type { Output, Terminal } from '../output/terminal.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { pieces, readFrames, writeFrame, type CallRequest, type Reply, type Request } from './frames.js';
import { parseRequest } from './parse-request.js';
import { listenInFolder, removeSocket } from './socket-address.js';

/** A command of another process. */
export interface RemoteCall {
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly terminal: Terminal;
  /** Aborts with Ctrl-C over there, and when the other process is gone. */
  readonly signal: AbortSignal;
}

export interface OwnerSocket {
  /** Calls that run now. */
  readonly calls: number;
  /** Takes no new calls and resolves when those that run have ended; `abort` asks them to end now, as Ctrl-C does. */
  close(options: { readonly abort: boolean }): Promise<void>;
}

/** A command that connects says at once what it wants. */
const firstFrameMilliseconds = 10_000;

/** @param answer runs one call; it reports its own errors and never rejects */
export async function listenAsOwner(
  dataFolder: string,
  answer: (call: RemoteCall) => Promise<ExitCode>,
  log: Logger,
): Promise<OwnerSocket> {
  const running = new Set<Promise<void>>();
  const stop = new AbortController();
  const server = createServer((socket) => {
    const conversation = converse(socket, answer, stop.signal, log)
      .catch((error: unknown) => {
        log.warn({ err: error }, 'a call over the socket of the data folder was ended');
        socket.destroySoon();
      })
      .finally(() => running.delete(conversation));
    running.add(conversation);
  });
  await listenInFolder(server, dataFolder);
  server.on('error', (error) => log.error({ err: error }, 'the socket of the data folder failed'));
  return {
    get calls() {
      return running.size;
    },
    close: async ({ abort }) => {
      if (abort) stop.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await removeSocket(dataFolder);
      await closed;
      await Promise.all(running);
    },
  };
}

async function converse(
  socket: Socket,
  answer: (call: RemoteCall) => Promise<ExitCode>,
  stop: AbortSignal,
  log: Logger,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  socket.setTimeout(firstFrameMilliseconds, () => socket.destroy());
  const frames = readFrames(socket, parseRequest);
  const call = await readCall(frames, socket);
  if (!call) return;
  socket.setTimeout(0);
  await writeFrame(socket, { type: 'accepted' });

  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, stop]);
  const remote = createRemoteTerminal(socket, call, signal);
  const listening = (async () => {
    for await (const frame of frames) {
      if (frame.type === 'interrupt') gone.abort();
      else if (frame.type === 'resize') remote.resize(frame.columns);
      else if (frame.type === 'answer') remote.answer(frame);
    }
  })()
    .catch((error: unknown) => {
      // A connection that is gone already needs no remark; a message that breaks the protocol does.
      if (!socket.destroyed) log.warn({ err: error }, 'a call over the socket of the data folder broke the protocol');
      socket.destroy();
    })
    .finally(() => gone.abort());

  const { arguments: args, cwd } = call;
  const code = await answer({ arguments: args, cwd, terminal: remote.terminal, signal });
  await writeFrame(socket, { type: 'exit', code });
  socket.destroySoon();
  await listening;
}

/** The first message. @returns `undefined` when there was none @throws when it is no call; the other end is told */
async function readCall(frames: AsyncGenerator<Request>, socket: Socket): Promise<CallRequest | undefined> {
  try {
    const first = await frames.next();
    if (first.done === true) return undefined;
    if (first.value.type === 'call') return first.value;
    throw new Error(`the first message is "${first.value.type}" instead of "call"`);
  } catch (error) {
    // Another version of Satchel speaks differently; trying again would not help it.
    await writeFrame(socket, {
      type: 'refused',
      reason: 'The Satchel process that has this data folder open is of another version: stop it, and start it again.',
    });
    socket.destroySoon();
    throw error;
  }
}

function createRemoteTerminal(socket: Socket, call: CallRequest, signal: AbortSignal) {
  let { columns } = call.stderr;
  let answered: ((answer: { readonly text: string; readonly problem?: string | undefined }) => void) | undefined;
  const obtain = async (question: Extract<Reply, { readonly type: 'ask' | 'input' | 'edit' }>): Promise<string> => {
    await writeFrame(socket, question);
    return new Promise((resolve, reject) => {
      answered = ({ text, problem }) => {
        if (problem === undefined) resolve(text);
        else reject(new SatchelError('INVALID_REQUEST', problem));
      };
      const give = () => resolve('');
      if (signal.aborted) give();
      signal.addEventListener('abort', give, { once: true });
    });
  };
  const output = (to: 'stdout' | 'stderr'): Output => ({
    isTerminal: call[to].isTerminal,
    color: call[to].color,
    get columns() {
      return columns;
    },
    write: async (text) => {
      for (const piece of pieces(text)) await writeFrame(socket, { type: 'write', to, text: piece });
    },
  });
  const terminal: Terminal = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    ask: (question, { hidden }) => obtain({ type: 'ask', question, hidden }),
    input: () => obtain({ type: 'input' }),
    edit: (name, text) => obtain({ type: 'edit', name, text: assertShort(text) }),
  };
  return {
    terminal,
    resize: (width: number) => {
      columns = width;
    },
    answer: (answer: Extract<Request, { readonly type: 'answer' }>) => answered?.(answer),
  };
}
