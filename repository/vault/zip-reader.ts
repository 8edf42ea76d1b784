/**
 * Reads a ZIP of unknown origin: the central directory first, in whole, then entries as streams. Everything that makes an
 * archive dangerous or ambiguous is refused before a byte is unpacked; sizes and checksums are verified as bytes flow.
 */
import { crc32 } from 'node:zlib';
import { openPromise, type Entry } from 'yauzl';
import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';

export interface ZipEntry {
  readonly name: string;
  readonly isFolder: boolean;
  /** Bytes when unpacked. */
  readonly size: number;
  /** @throws INVALID_PACKAGE while reading, when the bytes do not match size or CRC-32 */
  open(): AsyncIterable<Uint8Array>;
}

export interface ZipReader {
  readonly entries: readonly ZipEntry[];
  /** Unpacked bytes of all entries. */
  readonly totalBytes: number;
  close(): void;
}

const maximumEntries = 1_000_000;
/** DEFLATE alone reaches 1032:1 on empty bytes, so a high ratio counts only once it is large as a whole. */
const maximumRatio = 100;
const unsuspiciousBytes = 256 * 1024 * 1024;
const symbolicLink = 0o120000;

/** @throws INVALID_PACKAGE */
export async function openZip(file: string): Promise<ZipReader> {
  const zip = await openPromise(file, { autoClose: false, strictFileNames: true }).catch((error: unknown) => {
    throw invalidPackage(`${file} is not a ZIP that can be read: ${messageOf(error)}`, error);
  });
  try {
    if (zip.entryCount > maximumEntries) {
      throw invalidPackage(`${file} has ${zip.entryCount} entries; ${maximumEntries} are allowed.`);
    }
    const read: Entry[] = [];
    try {
      for await (const entry of zip.eachEntry()) read.push(entry);
    } catch (error) {
      // Also names that are absolute, climb by "..", or hold a drive or backslash: yauzl refuses them.
      throw invalidPackage(`${file} has a broken or unsafe entry: ${messageOf(error)}.`, error);
    }
    checkNames(read);
    checkSizes(read, zip.fileSize);
    const entries = read.map((entry): ZipEntry => ({
      name: entry.fileName.replace(/\/$/, ''),
      isFolder: entry.fileName.endsWith('/'),
      size: entry.uncompressedSize,
      open: async function* () {
        let crc = 0;
        try {
          const stream: AsyncIterable<Uint8Array> = await zip.openReadStreamPromise(entry);
          for await (const chunk of stream) {
            crc = crc32(chunk, crc);
            yield chunk;
          }
        } catch (error) {
          throw invalidPackage(`${printable(entry.fileName)} does not unpack: ${messageOf(error)}.`, error);
        }
        if (crc !== entry.crc32) throw invalidPackage(`${printable(entry.fileName)} has a wrong checksum (CRC-32).`);
      },
    }));
    return { entries, totalBytes: entries.reduce((sum, { size }) => sum + size, 0), close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw error;
  }
}

function checkNames(entries: readonly Entry[]): void {
  const names = new Set<string>();
  const folders = new Set<string>();
  for (const { fileName, externalFileAttributes } of entries) {
    const name = fileName.replace(/\/$/, '');
    if (names.has(name)) throw invalidPackage(`There are two entries "${printable(name)}".`);
    names.add(name);
    if (((externalFileAttributes >>> 16) & 0o170000) === symbolicLink) {
      throw invalidPackage(`"${printable(name)}" is a symbolic link.`);
    }
    if (name.split('/').some((segment) => segment === '' || segment === '.')) {
      throw invalidPackage(`The name "${printable(fileName)}" has an empty or dot segment.`);
    }
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) folders.add(name.slice(0, at));
  }
  for (const { fileName } of entries) {
    if (!fileName.endsWith('/') && folders.has(fileName)) {
      throw invalidPackage(`"${printable(fileName)}" is both a file and a folder.`);
    }
  }
}

function checkSizes(entries: readonly Entry[], fileSize: number): void {
  const compressed = entries.reduce((sum, { compressedSize }) => sum + compressedSize, 0);
  const unpacked = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  // More packed bytes than the file has: entries share bytes, the trick of nested archive bombs.
  if (compressed > fileSize) throw invalidPackage('Entries overlap each other.');
  if (unpacked > unsuspiciousBytes && unpacked > maximumRatio * fileSize) {
    throw invalidPackage(
      `It would unpack to ${unpacked} bytes, more than ${maximumRatio} times its ${fileSize} bytes.`,
    );
  }
}

export function invalidPackage(problem: string, cause?: unknown): RepositoryError {
  return new RepositoryError('INVALID_PACKAGE', problem, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
