/**
 * Compares every block of a LevelDB's tables with its checksum, which LevelDB itself does not when it reads: a changed byte then
 * passes for content, or ends the process (an assertion fails in its compaction). For a database that is not open. The format is
 * that of LevelDB's doc/table_format.md.
 */
// Plugins compile this file from its source, where only what it names belongs to the program.
// eslint-disable-next-line @typescript-eslint/triple-slash-reference
/// <reference path="./snappyjs.d.ts" />
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { uncompress } from 'snappyjs';
import { RepositoryError } from '../../errors.js';
import { ByteReader, MalformedBytes } from './byte-reader.js';
import { maskedCrc32c } from './crc32c.js';
import { liveTables, type LiveTable } from './live-tables.js';

const footerBytes = 48;
const magic = 0xdb4775248b80fb57n;
/** Type and checksum, behind each block. */
const trailerBytes = 5;
/** The type of a block that is packed with Snappy. */
const compressed = 1;
/** LevelDB makes blocks of some kilobytes; one value, of 64 MiB at most, may make a larger one. */
const maxBlockBytes = 256 * 1024 * 1024;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** @throws RepositoryError STORE_CORRUPT naming the file and the place */
export async function verifyTables(folder: string, signal?: AbortSignal): Promise<void> {
  let tables: readonly LiveTable[];
  try {
    tables = await liveTables(folder);
  } catch (error) {
    // LevelDB says itself what is missing.
    if (isMissing(error)) return;
    throw corrupt(folder, error);
  }
  for (const table of tables) {
    signal?.throwIfAborted();
    const file = join(folder, table.file);
    try {
      const handle = await open(file, 'r');
      try {
        await verifyTable(handle, table.size, signal);
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (!isMissing(error)) throw corrupt(file, error);
    }
  }
}

async function verifyTable(file: FileHandle, expected: number, signal: AbortSignal | undefined): Promise<void> {
  const { size } = await file.stat();
  if (size !== expected) throw new MalformedBytes(`it has ${size} bytes and should have ${expected}`);
  const footer = await read(file, { offset: size - footerBytes, size: footerBytes });
  if (footer.readBigUInt64LE(40) !== magic) throw new MalformedBytes('it does not end as a table does');
  const reader = new ByteReader(footer);
  const [metaindex, index] = [handleOf(reader), handleOf(reader)];
  for (const handle of [...(await entriesOf(file, metaindex)), ...(await entriesOf(file, index))]) {
    signal?.throwIfAborted();
    await checkedBlock(file, handle);
  }
}

/** The blocks that a block of handles names. */
async function entriesOf(file: FileHandle, handle: Handle): Promise<Handle[]> {
  const packed = await checkedBlock(file, handle);
  const data = packed.subarray(0, -1);
  const block = packed.at(-1) === compressed ? uncompress(data) : data;
  const restarts = block.length < 4 ? 0 : block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw new MalformedBytes(`the block at byte ${handle.offset} is too short`);
  const reader = new ByteReader(block.subarray(0, end));
  const handles: Handle[] = [];
  while (!reader.isAtEnd) {
    reader.varint();
    const [ownKey, value] = [reader.varint(), reader.varint()];
    reader.take(ownKey);
    handles.push(handleOf(new ByteReader(reader.take(value))));
  }
  return handles;
}

function handleOf(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() };
}

/** @returns it with its type behind it */
async function checkedBlock(file: FileHandle, { offset, size }: Handle): Promise<Buffer> {
  const bytes = await read(file, { offset, size: size + trailerBytes });
  const guarded = bytes.subarray(0, size + 1);
  if (maskedCrc32c(guarded) !== bytes.readUInt32LE(size + 1)) {
    throw new MalformedBytes(`the block at byte ${offset} has a wrong checksum`);
  }
  return guarded;
}

async function read(file: FileHandle, { offset, size }: Handle): Promise<Buffer> {
  if (offset < 0 || size > maxBlockBytes)
    throw new MalformedBytes(`it names a block of ${size} bytes at byte ${offset}`);
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, offset);
  if (bytesRead < size) throw new MalformedBytes(`it ends within the block at byte ${offset}`);
  return buffer;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function corrupt(file: string, cause: unknown): unknown {
  if (!(cause instanceof MalformedBytes)) return cause;
  return new RepositoryError(
    'STORE_CORRUPT',
    `${file} is damaged: ${cause.message}. Restore the data folder, or a backup into an empty one.`,
    { cause },
  );
}
