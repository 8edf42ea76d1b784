/** Longer text from the person or program at this end: standard input, or an editor. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { SatchelError } from '../../workflows/contract/errors.js';
import { maxTextBytes } from '../owner/frames.js';

/** @throws SatchelError INVALID_REQUEST */
export async function readInput(stdin: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stdin as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size > maxTextBytes) break;
  }
  return assertShort(Buffer.concat(pieces).toString('utf8'));
}

/**
 * @param name of the file the editor shows
 * @throws SatchelError INVALID_REQUEST where nobody could edit, or the editor ended with an error
 */
export async function editText(process: NodeJS.Process, name: string, text: string): Promise<string> {
  const editor = process.env['VISUAL'] ?? process.env['EDITOR'] ?? '';
  if (editor === '' || !isatty(0)) {
    const why = editor === '' ? '$EDITOR is not set' : 'standard input is no terminal';
    throw new SatchelError('INVALID_REQUEST', `There is no editor to open, as ${why}: use --value or --from FILE.`);
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-edit-'));
  try {
    const file = path.join(folder, path.basename(name));
    await writeFile(file, text, { mode: 0o600 });
    // As git does: the variable may hold options of the editor.
    const code = await new Promise<number | null>((resolve, reject) => {
      spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
        .once('error', reject)
        .once('exit', resolve);
    });
    if (code !== 0)
      throw new SatchelError('INVALID_REQUEST', `The editor ended with ${code ?? 'a signal'}; nothing was changed.`);
    return assertShort(await readFile(file, 'utf8'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws SatchelError INVALID_REQUEST */
export function assertShort(text: string): string {
  if (Buffer.byteLength(text) <= maxTextBytes) return text;
  throw new SatchelError('INVALID_REQUEST', `The text has more than ${maxTextBytes} bytes: use --from FILE.`);
}
