/** The terminal of this process. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { editText, readInput } from './person-text.js';
import type { Output, Terminal } from './terminal.js';

const defaultColumns = 80;

/**
 * @param onClosed called when nobody reads standard output any more (`satchel tree / | head`): what follows is dropped
 */
export function createProcessTerminal(process: NodeJS.Process, onClosed: () => void): Terminal {
  return {
    stdout: outputOf(process.stdout, 1, process.env, onClosed),
    stderr: outputOf(process.stderr, 2, process.env, onClosed),
    ask: async (question, { hidden }) => askOn(process, question, hidden),
    input: () => readInput(process.stdin),
    edit: (name, text) => editText(process, name, text),
  };
}

function outputOf(stream: NodeJS.WriteStream, descriptor: 1 | 2, env: NodeJS.ProcessEnv, onClosed: () => void): Output {
  let closed = false;
  stream.on('error', () => {
    closed = true;
    onClosed();
  });
  const isTerminal = isatty(descriptor);
  return {
    isTerminal,
    get columns() {
      // Some terminals say 0 when they do not know.
      return isTerminal && stream.columns > 0 ? stream.columns : defaultColumns;
    },
    // https://no-color.org: any value that is not empty
    color: isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    write: async (text) => {
      if (closed || text === '') return;
      await new Promise<void>((resolve) => {
        stream.write(text, () => resolve());
      });
    },
  };
}

async function askOn(process: NodeJS.Process, question: string, hidden: boolean): Promise<string> {
  const { stdin, stderr } = process;
  const interactive = isatty(0);
  if (interactive) stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({
    input: stdin,
    output: interactive && !hidden ? stderr : silent,
    terminal: interactive,
  });
  try {
    return await new Promise<string>((resolve) => {
      reader.once('line', resolve);
      reader.once('close', () => resolve(''));
      // In raw mode the terminal gives Ctrl-C to the reader instead of a signal to the process.
      reader.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    });
  } finally {
    reader.close();
    if (interactive) stderr.write('\n');
  }
}
