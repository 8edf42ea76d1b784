/** Mails in a real browser: all of them on one page, each in a frame of its own width, as pictures or measured. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The program's path; `undefined` where none is installed. */
export function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders
    .flatMap((folder) => programs.map((program) => join(folder, program)))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export interface FramedMail {
  readonly title: string;
  readonly html: string;
  /** Pixels. */
  readonly width: number;
}

export interface MeasuredMail {
  readonly title: string;
  readonly width: number;
  /** Of the content; more than `width` where something sticks out. */
  readonly scrollWidth: number;
  /** What sticks out: elements with their text. */
  readonly wide: readonly string[];
  /** Text that is hard to read (WCAG 2.2, 1.4.3), by the colours that are in force. */
  readonly pale: readonly string[];
  /** What is shown at all. */
  readonly height: number;
}

export type ColorScheme = 'light' | 'dark';

/** A page with all mails beside each other, and its measures once it has loaded. */
function page(mails: readonly FramedMail[]): string {
  const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const frames = mails.map(
    ({ title, html, width }) =>
      `<figure><figcaption>${escape(title)}</figcaption><iframe width="${width}" data-title="${escape(title)}" srcdoc="${escape(html)}"></iframe></figure>`,
  );
  return `<!doctype html><meta charset="utf-8"><style>body{margin:8px;font:13px sans-serif;background:#888}
figure{display:inline-block;vertical-align:top;margin:6px}iframe{border:0;display:block;background:#fff}</style>${frames.join('\n')}<script>
const channels = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
const luminance = (color) => {
  const [r, g, b] = channels(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};
const backgroundOf = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if ((channels(color)[3] ?? 1) > 0) return color;
  }
  return 'rgb(255, 255, 255)';
};
onload = () => {
  const measures = [...document.querySelectorAll('iframe')].map((frame) => {
    const content = frame.contentDocument;
    const width = Number(frame.width);
    const wide = [...content.body.querySelectorAll('*')]
      .filter((element) => element.getBoundingClientRect().right > width + 0.5 && element.getBoundingClientRect().height > 0)
      .map((element) => element.tagName + ' ' + element.className + ' ' + element.textContent.trim().slice(0, 60));
    const pale = [...content.body.querySelectorAll('*')]
      .filter((element) => element.getBoundingClientRect().height > 0 && getComputedStyle(element).fontSize !== '0px')
      .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
      .filter((element) => contrast(getComputedStyle(element).color, backgroundOf(element)) < 4.5)
      .map((element) => element.textContent.trim().slice(0, 60) + ' ' + getComputedStyle(element).color + ' on ' + backgroundOf(element));
    const height = content.documentElement.scrollHeight;
    frame.height = height;
    return { title: frame.dataset.title, width, scrollWidth: content.documentElement.scrollWidth, wide, pale, height };
  });
  const result = document.createElement('script');
  result.type = 'application/json';
  result.id = 'measures';
  result.textContent = JSON.stringify(measures).replaceAll('<', '\\\\u003c');
  document.body.append(result);
};
</script>`;
}

async function open(browser: string, mails: readonly FramedMail[], scheme: ColorScheme, more: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'satchel-pages-'));
  try {
    const file = join(folder, 'page.html');
    await writeFile(file, page(mails));
    const { stdout } = await run(
      browser,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--hide-scrollbars',
        '--host-resolver-rules=MAP * ~NOTFOUND',
        `--user-data-dir=${join(folder, 'profile')}`,
        // 0 is dark, 1 is light.
        `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`,
        ...more,
        pathToFileURL(file).href,
      ],
      { timeout: 120_000, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 },
    );
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function measureMails(
  browser: string,
  mails: readonly FramedMail[],
  scheme: ColorScheme,
): Promise<MeasuredMail[]> {
  const dom = await open(browser, mails, scheme, ['--window-size=1400,2000', '--dump-dom']);
  const [, json] = /<script type="application\/json" id="measures">([\s\S]*?)<\/script>/.exec(dom) ?? [];
  if (json === undefined) throw new Error('The browser did not measure the mails.');
  return JSON.parse(json) as MeasuredMail[];
}

/** @param file PNG to write */
export async function pictureOf(
  browser: string,
  mails: readonly FramedMail[],
  scheme: ColorScheme,
  { file, width, height }: { readonly file: string; readonly width: number; readonly height: number },
): Promise<number> {
  await open(browser, mails, scheme, [`--window-size=${width},${height}`, `--screenshot=${file}`]);
  return (await readFile(file)).byteLength;
}
