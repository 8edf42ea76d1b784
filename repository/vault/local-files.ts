/** The files of a folder that is kept in step with the repository. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isIgnoredName } from '../content/scan-folder.js';
import { RepositoryError } from '../errors.js';
import type { ContentFile } from './content-tree.js';

export interface LocalFile extends ContentFile {
  /** SHA-256 of the bytes. */
  readonly hash: string;
}

/**
 * Wanted files below `root`, in the order of their names; hidden files of tools are passed over, as in content folders.
 * @param root in the file system @returns paths relative to `root`, with `/`
 */
export async function readLocalFiles(
  root: string,
  isWanted: (path: string) => boolean,
): Promise<Map<string, LocalFile>> {
  const found = new Map<string, LocalFile>();
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = join(folder, entry.name);
      if (isIgnoredName(entry.name)) continue;
      if (entry.isDirectory()) await visit(file);
      else if (entry.isFile()) {
        const path = relative(root, file).split(sep).join('/');
        if (isWanted(path)) found.set(path, await localFile(file, path));
      } else {
        // A link may lead anywhere on the machine; content comes from the folder itself.
        throw new RepositoryError('INVALID_CONTENT_FILE', `${file}:1: it is neither a file nor a folder.`, {
          file,
          line: 1,
        });
      }
    }
  };
  await visit(root);
  return found;
}

async function localFile(file: string, path: string): Promise<LocalFile> {
  const { size } = await lstat(file);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return { path, size, hash: hash.digest('hex'), open: () => createReadStream(file) };
}

/** Writes a file whole or not at all, below `root`. @throws INVALID_PATH where a link leads elsewhere */
export async function writeLocalFile(root: string, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await resolveBelow(root, path);
  await mkdir(dirname(file), { recursive: true });
  // Hidden, so that nobody takes it for content.
  const partial = join(dirname(file), `.${basename(file).slice(0, 200)}.new`);
  await pipeline(content, createWriteStream(partial));
  await rename(partial, file);
}

/** Removes a file, and the folders above it that are empty then. @throws INVALID_PATH where a link leads elsewhere */
export async function removeLocalFile(root: string, path: string): Promise<void> {
  const file = await resolveBelow(root, path);
  await rm(file, { force: true });
  for (let folder = dirname(file); folder !== root; folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

/** The one place where a path becomes a file: every folder on the way must be a folder, and no link. */
async function resolveBelow(root: string, path: string): Promise<string> {
  const segments = path.split('/');
  const fail = (problem: string) => new RepositoryError('INVALID_PATH', `"${path}" ${problem}.`, { paths: [path] });
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || segment.includes(sep))) {
    throw fail('is no path of a file');
  }
  let at = root;
  for (const segment of segments) {
    at = join(at, segment);
    const found = await lstat(at).catch(() => undefined);
    if (found?.isSymbolicLink()) throw fail('leads over a symbolic link');
  }
  return at;
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
