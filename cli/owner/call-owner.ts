/** The calling end of the socket: lets the owner of the data folder run a command, and shows what it writes. */
import { connect, type Socket } from 'node:net';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { ExitCode } from '../command.js';
import type { Output, Terminal } from '../output/terminal.js';
import { protocolVersion, readFrames, writeFrame, type Reply, type Request } from './frames.js';
import { parseReply } from './parse-reply.js';
import { withOwnerAddress } from './socket-address.js';

export interface OwnerCall {
  readonly arguments: readonly string[];
  readonly cwd: string;
  readonly terminal: Terminal;
  /** Ctrl-C: the owner is told and may still write what it wants to say. */
  readonly signal: AbortSignal;
  /** Calls back when the width of the terminal changes; returns a stop. */
  readonly onResize?: (listener: () => void) => () => void;
}

/**
 * @returns the exit code, or `undefined` when no process listens (or it stopped before it took the call): nothing was run
 * @throws SatchelError OWNER_GONE when the owner ended while it ran the command, INTERNAL when it is of another version
 */
export async function callOwner(dataFolder: string, call: OwnerCall): Promise<ExitCode | undefined> {
  const socket = await withOwnerAddress(dataFolder, connectTo);
  if (!socket) return undefined;
  const interrupt = () => void writeFrame(socket, { type: 'interrupt' });
  const resized = () => void writeFrame(socket, { type: 'resize', columns: call.terminal.stderr.columns });
  const stopResize = call.onResize?.(resized);
  call.signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await converse(socket, call);
  } finally {
    stopResize?.();
    call.signal.removeEventListener('abort', interrupt);
    socket.destroy();
  }
}

async function converse(socket: Socket, call: OwnerCall): Promise<ExitCode | undefined> {
  const { terminal } = call;
  await writeFrame(socket, {
    type: 'call',
    protocol: protocolVersion,
    arguments: [...call.arguments],
    cwd: call.cwd,
    stdout: shapeOf(terminal.stdout),
    stderr: shapeOf(terminal.stderr),
  });
  if (call.signal.aborted) await writeFrame(socket, { type: 'interrupt' });
  let accepted = false;
  try {
    for await (const reply of readFrames(socket, parseReply)) {
      if (reply.type === 'accepted') accepted = true;
      else if (reply.type === 'refused') throw new SatchelError('INTERNAL', reply.reason);
      else if (reply.type === 'write') await terminal[reply.to].write(reply.text);
      else if (reply.type === 'exit') return reply.code;
      // Asked while the output still has to be read: answered aside.
      else void answerTo(terminal, reply).then((answer) => writeFrame(socket, answer));
    }
  } catch (error) {
    if (error instanceof SatchelError) throw error;
    if (accepted) throw ownerGone(error);
    return undefined;
  }
  if (accepted) throw ownerGone(undefined);
  return undefined;
}

type Question = Extract<Reply, { readonly type: 'ask' | 'input' | 'edit' }>;

async function answerTo(terminal: Terminal, question: Question): Promise<Request> {
  try {
    if (question.type === 'ask') return { type: 'answer', text: await terminal.ask(question.question, question) };
    const asked = question.type === 'input' ? terminal.input() : terminal.edit(question.name, question.text);
    return { type: 'answer', text: await asked };
  } catch (error) {
    return { type: 'answer', text: '', problem: error instanceof Error ? error.message : String(error) };
  }
}

function ownerGone(cause: unknown): SatchelError {
  return new SatchelError(
    'OWNER_GONE',
    'The Satchel process that has this data folder open ended while it ran the command. Jobs are safe; run the command again.',
    { cause },
  );
}

function shapeOf({ isTerminal, columns, color }: Output): { isTerminal: boolean; columns: number; color: boolean } {
  return { isTerminal, columns, color };
}

/** @returns `undefined` when nobody listens there */
function connectTo(address: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // ENOENT and ENOTDIR: no socket file or folder; ECONNREFUSED and ECONNRESET: a killed or a closing owner's.
      if (['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ECONNRESET', 'ENOTSOCK'].includes(error.code ?? ''))
        resolve(undefined);
      else reject(error);
    });
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      // Later errors end the reading, which reports them.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
