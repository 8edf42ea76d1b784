/** A terminal that keeps what was written to it. */
import type { Output, Terminal } from '../../cli/output/terminal.js';

export interface RecordingTerminal extends Terminal {
  readonly written: { stdout: string; stderr: string };
}

export function recordingTerminal(shape: Partial<Omit<Output, 'write'>> = {}): RecordingTerminal {
  const written = { stdout: '', stderr: '' };
  const output = (to: 'stdout' | 'stderr'): Output => ({
    isTerminal: false,
    columns: 80,
    color: false,
    ...shape,
    write: async (text) => {
      written[to] += text;
    },
  });
  return {
    written,
    stdout: output('stdout'),
    stderr: output('stderr'),
    ask: async () => '',
    input: async () => '',
    edit: async (_name, text) => text,
  };
}
