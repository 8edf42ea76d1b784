/** A mail as a picture, taken by a Chromium that is installed. It runs no scripts and reaches no network. */
import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { SatchelError } from '../../../workflows/contract/errors.js';

const run = promisify(execFile);
const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const timeoutMilliseconds = 60_000;

/** @param searchPath as PATH of the environment */
export async function findChromium(searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(path.delimiter)) {
    if (folder === '') continue;
    for (const program of programs) {
      const file = path.join(folder, program);
      const found = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found) return file;
    }
  }
  return undefined;
}

export interface PictureOptions {
  /** PNG file to write. */
  readonly file: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** As PATH of the environment. */
  readonly searchPath: string;
  readonly signal?: AbortSignal;
}

/** @throws SatchelError PREVIEW_UNAVAILABLE where there is no Chromium, or it takes no picture */
export async function takePicture(html: string, options: PictureOptions): Promise<void> {
  const { file, width, height, searchPath, signal } = options;
  const program = await findChromium(searchPath);
  if (program === undefined) {
    throw new SatchelError(
      'PREVIEW_UNAVAILABLE',
      `A preview as PNG needs one of ${programs.join(', ')} on the PATH; --format html needs nothing.`,
    );
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'satchel-picture-'));
  try {
    const page = path.join(folder, 'mail.html');
    await writeFile(page, framed(html));
    const isRoot = process.getuid?.() === 0;
    await run(
      program,
      [
        '--headless',
        '--disable-gpu',
        '--hide-scrollbars',
        '--mute-audio',
        '--host-resolver-rules=MAP * ~NOTFOUND',
        `--user-data-dir=${path.join(folder, 'profile')}`,
        // Chromium's sandbox refuses to work for root.
        ...(isRoot ? ['--no-sandbox'] : []),
        `--window-size=${width},${height}`,
        `--screenshot=${file}`,
        pathToFileURL(page).href,
      ],
      { timeout: timeoutMilliseconds, killSignal: 'SIGKILL', ...(signal && { signal }) },
    );
    await access(file);
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new SatchelError('PREVIEW_UNAVAILABLE', `${program} took no picture: ${reason}`, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** In a sandboxed frame that takes over the page's policy: nothing in a mail runs, or reads a file. */
function framed(html: string): string {
  const source = html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>html, body { margin: 0; height: 100% } iframe { border: 0; width: 100%; height: 100% }</style></head>
<body><iframe sandbox srcdoc="${source}"></iframe></body></html>`;
}
