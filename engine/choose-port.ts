/** The port of the web pages: links in mails name it, so a free one that was chosen once is kept. */
import { createServer } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * @param wanted 0: the port that was chosen for this data folder before, or, where it is taken or there is none, a free one
 * @returns a port; whether it can be listened on is for the listener to see
 */
export async function choosePort(dataFolder: string, wanted: number): Promise<number> {
  if (wanted !== 0) return wanted;
  const file = join(dataFolder, 'http-port');
  const remembered = Number(await readFile(file, 'utf8').catch(() => '0'));
  const usable = Number.isInteger(remembered) && remembered > 0 && remembered < 65_536;
  const port = (usable && (await freePort(remembered))) || ((await freePort(0)) ?? 0);
  if (port !== remembered) await writeFile(file, `${port}\n`);
  return port;
}

/** @returns the port when it can be listened on (0: any), else `undefined` */
async function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
