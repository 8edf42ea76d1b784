/** The files of a content folder. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RepositoryError } from '../errors.js';
import type { ContentFile } from '../vault/content-tree.js';

export const contentFiles = ['.content.json', '.content.xml'];

export interface ScannedFolder {
  /** In name order, so that a folder reads the same on every machine. */
  readonly files: readonly ContentFile[];
  readonly folders: readonly string[];
  /** Relative paths of what is no content: hidden files (`.DS_Store`) and editors' backups (`name~`). */
  readonly ignored: readonly string[];
}

/** Whether a name is no content. */
export function isIgnoredName(name: string): boolean {
  return (name.startsWith('.') && !contentFiles.includes(name)) || name.endsWith('~');
}

/** @throws INVALID_CONTENT_FILE when the folder cannot be read, or holds what is neither file nor folder */
export async function scanFolder(folder: string): Promise<ScannedFolder> {
  const files: ContentFile[] = [];
  const folders: string[] = [];
  const ignored: string[] = [];

  async function scan(relative: string): Promise<void> {
    const entries = await readdir(join(folder, relative), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const file = join(folder, path);
      if (isIgnoredName(entry.name)) ignored.push(path);
      else if (entry.isDirectory()) {
        folders.push(path);
        await scan(path);
      } else if (entry.isFile()) {
        files.push({ path, size: (await stat(file)).size, open: () => createReadStream(file) });
      } else {
        // A link may lead anywhere on the machine; content comes from the folder itself.
        throw unreadable(file, 'is neither a file nor a folder; put a copy there instead of a link');
      }
    }
  }

  try {
    await scan('');
  } catch (error) {
    if (error instanceof RepositoryError) throw error;
    throw unreadable(folder, `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return { files, folders, ignored };
}

/**
 * What tells one state of a folder's content from another: names, sizes, times and inodes, without reading a file.
 * @returns the same text as long as nothing changed; `''` for a folder that cannot be read
 */
export async function folderSignature(
  folder: string,
  isIgnored: (name: string) => boolean = isIgnoredName,
): Promise<string> {
  const hash = createHash('sha256');
  async function add(relative: string): Promise<void> {
    const entries = await readdir(join(folder, relative), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (isIgnored(entry.name)) continue;
      const path = join(relative, entry.name);
      const { size, mtimeNs, ctimeNs, ino } = await lstat(join(folder, path), { bigint: true });
      // What a directory's own time says, its entries say too.
      if (entry.isDirectory()) {
        hash.update(`${path}\0/\n`);
        await add(path);
      } else hash.update(`${path}\0${size} ${mtimeNs} ${ctimeNs} ${ino}\n`);
    }
  }
  try {
    await add('');
  } catch {
    return '';
  }
  return hash.digest('hex');
}

function unreadable(file: string, problem: string, cause?: unknown): RepositoryError {
  return new RepositoryError('INVALID_CONTENT_FILE', `${file} ${problem}`, { file, cause });
}
