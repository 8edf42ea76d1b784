import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExitCode } from '../../cli/command.js';
import { callOwner } from '../../cli/owner/call-owner.js';
import { maxFrameBytes, pieces, protocolVersion } from '../../cli/owner/frames.js';
import { listenAsOwner, type OwnerSocket, type RemoteCall } from '../../cli/owner/listen-as-owner.js';
import type { Terminal } from '../../cli/output/terminal.js';
import { buildFixture } from './build-fixture.js';
import { recordingTerminal } from './recording-terminal.js';

const log = pino({ level: 'silent' });

/** Something a test waits for. */
function gate(): { readonly opened: Promise<boolean>; open(): void } {
  const abort = new AbortController();
  const opened = once(abort.signal, 'abort').then(() => true);
  return { opened, open: () => abort.abort() };
}

let folder: string;
const sockets: OwnerSocket[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'satchel-owner-'));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) await socket.close({ abort: true });
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  }
  await rm(folder, { recursive: true, force: true });
});

async function listen(answer: (call: RemoteCall) => Promise<ExitCode>, where = folder): Promise<OwnerSocket> {
  const socket = await listenAsOwner(where, answer, log);
  sockets.push(socket);
  return socket;
}

function call(
  args: readonly string[],
  terminal: Terminal = recordingTerminal(),
  signal = new AbortController().signal,
) {
  return callOwner(folder, { arguments: args, cwd: '/somewhere', terminal, signal });
}

describe('the socket of a data folder', () => {
  it('runs the command in the owner with the caller’s arguments, folder and terminal', async () => {
    const calls: unknown[] = [];
    await listen(async ({ arguments: args, cwd, terminal }) => {
      const { isTerminal, columns, color } = terminal.stderr;
      calls.push({ args, cwd, isTerminal, columns, color });
      await terminal.stdout.write('result\n');
      await terminal.stderr.write('remark\n');
      return 3;
    });
    const terminal = recordingTerminal({ isTerminal: true, columns: 132, color: true });
    expect(await call(['tree', '/a b'], terminal)).toBe(3);
    expect(calls).toEqual([{ args: ['tree', '/a b'], cwd: '/somewhere', isTerminal: true, columns: 132, color: true }]);
    expect(terminal.written).toEqual({ stdout: 'result\n', stderr: 'remark\n' });
  });

  it('is for its user alone', async () => {
    await listen(async () => 0);
    expect((await stat(path.join(folder, 'satchel.sock'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['satchel.sock']);
  });

  it('answers undefined where nobody listens or the folder does not exist', async () => {
    expect(await call(['x'])).toBeUndefined();
    await rm(folder, { recursive: true });
    expect(await call(['x'])).toBeUndefined();
  });

  it('works in a folder whose path is longer than a socket address may be', async () => {
    const outer = folder;
    folder = path.join(outer, 'long-'.repeat(20), 'long-'.repeat(20));
    await mkdir(folder, { recursive: true });
    await listen(async () => 0);
    expect(await call(['x'])).toBe(0);
    expect(await readdir(folder)).toEqual(['satchel.sock']);
    await sockets.pop()?.close({ abort: false });
    expect(await readdir(folder)).toEqual([]);
    folder = outer;
  });

  it('carries texts larger than a message, in any script, in order', async () => {
    const text = Array.from({ length: 40_000 }, (_, index) => `${index} 😀é\n`).join('');
    await listen(async ({ terminal }) => {
      await terminal.stdout.write(text);
      return 0;
    });
    const terminal = recordingTerminal();
    await call(['x'], terminal);
    expect(terminal.written.stdout === text).toBe(true);
  });

  it('asks the person at the other end', async () => {
    await listen(async ({ terminal }) => {
      await terminal.stdout.write(`got ${await terminal.ask('Password: ', { hidden: true })}`);
      return 0;
    });
    const asked: unknown[] = [];
    const terminal = recordingTerminal();
    const asking: Terminal = {
      ...terminal,
      ask: async (question, options) => {
        asked.push([question, options.hidden]);
        return 'secret';
      },
    };
    expect(await call(['x'], asking)).toBe(0);
    expect(asked).toEqual([['Password: ', true]]);
    expect(terminal.written.stdout).toBe('got secret');
  });

  it('takes standard input and edited text from the other end, and says why there is none', async () => {
    await listen(async ({ terminal }) => {
      const input = await terminal.input();
      const edited = await terminal.edit('de.mjml', input);
      const problem = await terminal.edit('no', '').catch((error: unknown) => (error as { code: string }).code);
      await terminal.stdout.write(`${input} ${edited} ${problem}`);
      return 0;
    });
    const terminal = recordingTerminal();
    const person: Terminal = {
      ...terminal,
      input: async () => 'ß',
      edit: async (name, text) => {
        if (name === 'no') throw new Error('There is no editor.');
        return `${name} ${text}!`;
      },
    };
    expect(await call(['x'], person)).toBe(0);
    expect(terminal.written.stdout).toBe('ß de.mjml ß! INVALID_REQUEST');
  });

  it('passes Ctrl-C on, and the command may still say something', async () => {
    const reached = gate();
    await listen(async ({ signal, terminal }) => {
      const aborted = once(signal, 'abort');
      reached.open();
      await aborted;
      await terminal.stderr.write('the job goes on\n');
      return 130;
    });
    const abort = new AbortController();
    const terminal = recordingTerminal();
    const code = call(['follow'], terminal, abort.signal);
    await reached.opened;
    abort.abort();
    expect(await code).toBe(130);
    expect(terminal.written.stderr).toBe('the job goes on\n');
  });

  it('aborts the command when the caller is gone', async () => {
    const aborted = gate();
    const reached = gate();
    await listen(async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.open());
      reached.open();
      await aborted.opened;
      return 130;
    });
    const socket = connect(path.join(folder, 'satchel.sock'));
    const shape = { isTerminal: false, columns: 80, color: false };
    socket.write(
      `${JSON.stringify({ type: 'call', protocol: protocolVersion, arguments: [], cwd: '/', stdout: shape, stderr: shape })}\n`,
    );
    await reached.opened;
    socket.destroy();
    expect(await aborted.opened).toBe(true);
  });

  it.each([
    ['a message without end', Buffer.alloc(maxFrameBytes + 1024, 'a')],
    ['what is no JSON', Buffer.from('GET / HTTP/1.1\n')],
    ['a call that is none', Buffer.from('{"type":"call","protocol":1}\n')],
    ['an answer before the call', Buffer.from('{"type":"answer","text":"x"}\n')],
  ])('closes the connection on %s and goes on serving others', async (_title, bytes) => {
    let runs = 0;
    await listen(async () => {
      runs += 1;
      return 0;
    });
    const socket = connect(path.join(folder, 'satchel.sock'));
    socket.on('error', () => undefined);
    let reply = '';
    socket.setEncoding('utf8').on('data', (text: string) => (reply += text));
    socket.write(bytes);
    await once(socket, 'close');
    expect(runs).toBe(0);
    // Who never stops talking may not hear the answer.
    if (bytes.length < maxFrameBytes) expect(JSON.parse(reply)).toMatchObject({ type: 'refused' });
    expect(await call(['x'])).toBe(0);
  });

  it('waits for running calls when it closes, and takes no new ones', async () => {
    const release = gate();
    const reached = gate();
    const socket = await listen(async () => {
      reached.open();
      await release.opened;
      return 0;
    });
    const first = call(['first']);
    await reached.opened;
    expect(socket.calls).toBe(1);
    const closed = socket.close({ abort: false });
    expect(await call(['second'])).toBeUndefined();
    release.open();
    expect(await first).toBe(0);
    await closed;
    expect(socket.calls).toBe(0);
  });

  it('asks running calls to end when it closes with abort', async () => {
    const reached = gate();
    const socket = await listen(async ({ signal }) => {
      const aborted = once(signal, 'abort');
      reached.open();
      await aborted;
      return 130;
    });
    const running = call(['follow']);
    await reached.opened;
    await socket.close({ abort: true });
    expect(await running).toBe(130);
  });
});

describe('between processes', () => {
  it('a command without a terminal runs in the process that listens', async () => {
    await listen(async ({ arguments: args, terminal }) => {
      await terminal.stdout.write(`${args.join(' ')} ran in ${process.pid}\n`);
      return 3;
    });
    const file = await buildFixture(new URL('fixtures/command-process.ts', import.meta.url));
    const child = spawn(process.execPath, [file, folder, 'hello'], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    expect(await once(child, 'close')).toEqual([3, null]);
    expect(stdout).toBe(`hello ran in ${process.pid}\n`);
  });

  async function startOwner(): Promise<ChildProcess> {
    const file = await buildFixture(new URL('fixtures/owner-process.ts', import.meta.url));
    const child = spawn(process.execPath, [file, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  it('a call runs in the other process', async () => {
    const owner = await startOwner();
    const terminal = recordingTerminal();
    expect(await call(['tree', '/'], terminal)).toBe(0);
    expect(terminal.written.stdout).toBe(`pid ${owner.pid ?? ''} ran tree /\n`);
  });

  it('a killed owner’s socket counts as none, and the next owner replaces it', async () => {
    const owner = await startOwner();
    owner.kill('SIGKILL');
    await once(owner, 'close');
    expect(await readdir(folder)).toEqual(['satchel.sock']);
    expect(await call(['x'])).toBeUndefined();
    const next = await startOwner();
    const terminal = recordingTerminal();
    expect(await call(['x'], terminal)).toBe(0);
    expect(terminal.written.stdout).toContain(`pid ${next.pid ?? ''}`);
  });

  it('an owner that dies while it runs the command is an error with a code, never a success', async () => {
    await startOwner();
    await expect(call(['die'])).rejects.toMatchObject({ code: 'OWNER_GONE' });
  });
});

describe('pieces', () => {
  it('gives the text back, and cuts no character', () => {
    const text = `a${'😀'.repeat(20_000)}`;
    const all = [...pieces(text)];
    expect(all.join('')).toBe(text);
    expect(all.length).toBeGreaterThan(1);
    expect(all.every((piece) => piece.isWellFormed())).toBe(true);
  });
});
