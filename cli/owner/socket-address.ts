/**
 * Where the owner of a data folder listens: `satchel.sock` inside it. The name of a Unix socket may have about 100 bytes,
 * less than a path may have, so long ones are reached through a symbolic link in a private temporary folder.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, realpath, rename, rm, symlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const socketName = 'satchel.sock';
const nurseryPrefix = '.socket-';
/** 104 bytes on macOS and the BSDs, 108 on Linux, one of them for the end. */
const maxSocketPathBytes = 100;

function isShortEnough(file: string): boolean {
  return Buffer.byteLength(file) <= maxSocketPathBytes;
}

/** Windows has no socket files that Node can use; its named pipes live in a namespace of their own. */
async function pipeName(dataFolder: string): Promise<string> {
  const identity = (await realpath(dataFolder)).toLowerCase();
  return `\\\\.\\pipe\\satchel-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}

async function withShortPath<T>(folder: string, name: string, use: (file: string) => Promise<T>): Promise<T> {
  const file = path.join(path.resolve(folder), name);
  if (isShortEnough(file)) return use(file);
  // A folder only this user can write to: nobody else can bend the link.
  const aside = await mkdtemp(
    path.join(isShortEnough(path.join(tmpdir(), 'satchel-XXXXXX/d', name)) ? tmpdir() : '/tmp', 'satchel-'),
  );
  try {
    await symlink(path.resolve(folder), path.join(aside, 'd'));
    return await use(path.join(aside, 'd', name));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** @param use connects to the address; it may be gone once the promise settles */
export async function withOwnerAddress<T>(dataFolder: string, use: (address: string) => Promise<T>): Promise<T> {
  if (process.platform === 'win32') return use(await pipeName(dataFolder));
  return withShortPath(dataFolder, socketName, use);
}

/**
 * Makes a server listen in the data folder. Only for the process that has the folder's database open: what a killed owner
 * left behind is replaced.
 */
export async function listenInFolder(server: Server, dataFolder: string): Promise<void> {
  if (process.platform === 'win32') {
    await listen(server, await pipeName(dataFolder));
    return;
  }
  for (const name of await readdir(dataFolder)) {
    if (name.startsWith(nurseryPrefix)) await rm(path.join(dataFolder, name), { recursive: true, force: true });
  }
  // Bound in a folder of mode 0700 and moved into place when its own mode is right: there is no moment at which others
  // could connect, and none without the file.
  const nursery = await mkdtemp(path.join(dataFolder, nurseryPrefix));
  try {
    await withShortPath(nursery, 's', async (file) => listen(server, file));
    await chmod(path.join(nursery, 's'), 0o600);
    await rename(path.join(nursery, 's'), path.join(dataFolder, socketName));
  } finally {
    await rm(nursery, { recursive: true, force: true });
  }
}

/** Removes the socket file; while the database is still open, so that it cannot be the next owner's. */
export async function removeSocket(dataFolder: string): Promise<void> {
  if (process.platform !== 'win32') await rm(path.join(dataFolder, socketName), { force: true });
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
