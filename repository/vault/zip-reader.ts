/**
 * Reads a ZIP of unknown origin: the central directory first, in whole, then entries as streams. Everything that makes an
 * archive dangerous or ambiguous is refused before a byte is unpacked; sizes and checksums are verified as bytes flow.
 */
import { crc32 } from 'node:zlib';
import { openPromise, type Entry } from 'yauzl';
import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';
import { foldName } from './fold-name.js';
import { defaultPackageLimits, type PackageLimits } from './package-limits.js';

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

/** Longer names come from nobody's content: a path of the repository has 2,048 bytes, escaped three times as many. */
const maximumNameLength = 8_192;
const maximumNesting = 256;
const localHeaderBytes = 30;
const stored = 0;
const deflated = 8;
const symbolicLink = 0o120000;

/** @throws INVALID_PACKAGE */
export async function openZip(file: string, limits: PackageLimits = defaultPackageLimits): Promise<ZipReader> {
  const zip = await openPromise(file, { autoClose: false, strictFileNames: true }).catch((error: unknown) => {
    throw invalidPackage(`${file} is not a ZIP that can be read: ${messageOf(error)}`, error);
  });
  try {
    if (zip.entryCount > limits.entries) {
      throw invalidPackage(`${file} has ${zip.entryCount} entries; ${limits.entries} are allowed.`);
    }
    const read: Entry[] = [];
    try {
      for await (const entry of zip.eachEntry()) {
        checkEntry(entry);
        read.push(entry);
      }
    } catch (error) {
      if (error instanceof RepositoryError) throw error;
      // Also names that are absolute, climb by "..", or hold a drive or backslash: yauzl refuses them.
      throw invalidPackage(`${file} has a broken or unsafe entry: ${messageOf(error)}.`, error);
    }
    checkNames(read);
    checkPlaces(read, zip.fileSize);
    checkSizes(read, zip.fileSize, limits);
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

function checkEntry(entry: Entry): void {
  const { fileName, externalFileAttributes, compressionMethod } = entry;
  const name = printable(fileName.slice(0, 300));
  if (fileName.length > maximumNameLength) throw invalidPackage(`The name "${name}" is too long.`);
  const segments = fileName.replace(/\/$/, '').split('/');
  if (segments.length > maximumNesting) throw invalidPackage(`"${name}" is nested deeper than ${maximumNesting}.`);
  if (segments.some((segment) => segment === '' || segment === '.')) {
    throw invalidPackage(`The name "${name}" has an empty or dot segment.`);
  }
  if (((externalFileAttributes >>> 16) & 0o170000) === symbolicLink) {
    throw invalidPackage(`"${name}" is a symbolic link.`);
  }
  if (entry.isEncrypted()) throw invalidPackage(`"${name}" is encrypted.`);
  if (compressionMethod !== stored && compressionMethod !== deflated) {
    throw invalidPackage(`"${name}" is compressed by method ${compressionMethod}, which is not known here.`);
  }
}

/**
 * An archive must mean the same wherever it is unpacked: no name twice, and none that a file system without case, or with
 * one Unicode form only, takes for another (docs/decisions/0026).
 */
function checkNames(entries: readonly Entry[]): void {
  const names = new Set<string>();
  const folders = new Set<string>();
  /** Every file and folder as it is written, by what such a file system makes of it. */
  const written = new Map<string, string>();
  for (const { fileName } of entries) {
    const name = fileName.replace(/\/$/, '');
    if (names.has(name)) throw invalidPackage(`There are two entries "${printable(name)}".`);
    names.add(name);
    for (let at = name.length; at > 0; at = name.lastIndexOf('/', at - 1)) {
      const path = name.slice(0, at);
      if (at < name.length) {
        if (folders.has(path)) break;
        folders.add(path);
      }
      const folded = foldName(path);
      const other = written.get(folded);
      if (other !== undefined && other !== path) {
        throw invalidPackage(
          `"${printable(other)}" and "${printable(path)}" differ only in case or in their Unicode form; write one with "%xx" escapes.`,
        );
      }
      written.set(folded, path);
    }
  }
  for (const { fileName } of entries) {
    if (!fileName.endsWith('/') && folders.has(fileName)) {
      throw invalidPackage(`"${printable(fileName)}" is both a file and a folder.`);
    }
  }
}

/** Entries that share bytes are the trick of archive bombs without nesting, and let two readers see two contents. */
function checkPlaces(entries: readonly Entry[], fileSize: number): void {
  const inOrder = [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  for (const [index, entry] of inOrder.entries()) {
    const { relativeOffsetOfLocalHeader: start, compressedSize, fileNameLength } = entry;
    const end = start + localHeaderBytes + fileNameLength + compressedSize;
    const next = inOrder[index + 1]?.relativeOffsetOfLocalHeader ?? fileSize;
    if (end > next) throw invalidPackage(`Entries overlap each other, at "${printable(entry.fileName)}".`);
  }
}

function checkSizes(entries: readonly Entry[], fileSize: number, limits: PackageLimits): void {
  const unpacked = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  if (unpacked > limits.unpackedBytes) {
    throw invalidPackage(`It would unpack to ${unpacked} bytes; ${limits.unpackedBytes} are allowed.`);
  }
  if (unpacked > limits.unsuspiciousBytes && unpacked > limits.ratio * fileSize) {
    throw invalidPackage(
      `It would unpack to ${unpacked} bytes, more than ${limits.ratio} times its ${fileSize} bytes.`,
    );
  }
}

export function invalidPackage(problem: string, cause?: unknown): RepositoryError {
  return new RepositoryError('INVALID_PACKAGE', problem, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
