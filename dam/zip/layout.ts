/**
 * The bytes of a STORE archive, known before any content is read: sizes and CRC-32 come from the blob store, so every
 * offset, the exact length and a strong ETag follow from the list of entries alone, on any server, at any time.
 *
 * APPNOTE 6.3.10 (PKWARE). No data descriptors: Java's ZipInputStream refuses them on stored entries. Names are UTF-8
 * with the language flag; times are UTC, as DOS time and again to the second as an extended timestamp (Info-ZIP "UT").
 */
import { createHash } from 'node:crypto';
import type { PackedEntry } from '../../workflows/contract/plan.js';

const localHeaderBytes = 30;
const directoryHeaderBytes = 46;
const endBytes = 22;
const zip64EndBytes = 56 + 20;
const extraHeaderBytes = 4;
const timestampExtraBytes = extraHeaderBytes + 5;
const max16 = 0xffff;
const max32 = 0xffffffff;

const signatures = {
  local: 0x04034b50,
  directory: 0x02014b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50,
  end: 0x06054b50,
} as const;
const utf8Flag = 0x0800;
const plainVersion = 20;
const zip64Version = 45;
const madeByUnix = 3 << 8;
/** `-rw-r--r--`, a regular file, in the upper half of the external attributes. */
const fileAttributes = (0o100644 << 16) >>> 0;

/** How far an archive reaches: enough to know its exact size without keeping its entries. */
export interface ZipExtent {
  /** Bytes of local headers and contents. */
  readonly contents: number;
  /** Bytes of the central directory. */
  readonly directory: number;
  readonly entries: number;
}

export const emptyZip: ZipExtent = { contents: 0, directory: 0, entries: 0 };

function localBytes(nameBytes: number, size: number): number {
  return localHeaderBytes + nameBytes + timestampExtraBytes + (size >= max32 ? extraHeaderBytes + 16 : 0);
}

function directoryBytes(nameBytes: number, size: number, offset: number): number {
  const wide = (size >= max32 ? 16 : 0) + (offset >= max32 ? 8 : 0);
  return directoryHeaderBytes + nameBytes + timestampExtraBytes + (wide > 0 ? extraHeaderBytes + wide : 0);
}

/** The extent with one more entry of that name and size, both in bytes. */
export function extendZip(extent: ZipExtent, nameBytes: number, size: number): ZipExtent {
  return {
    contents: extent.contents + localBytes(nameBytes, size) + size,
    directory: extent.directory + directoryBytes(nameBytes, size, extent.contents),
    entries: extent.entries + 1,
  };
}

function isZip64({ contents, directory, entries }: ZipExtent): boolean {
  return entries >= max16 || directory >= max32 || contents >= max32;
}

/** Bytes of the whole archive. */
export function zipSize(extent: ZipExtent): number {
  return extent.contents + extent.directory + (isZip64(extent) ? zip64EndBytes : 0) + endBytes;
}

/** An archive whose every byte is decided; zipRange (write.ts) reads any part of it. */
export interface ZipLayout {
  readonly entries: readonly PackedEntry[];
  /** Where each entry's local header starts. */
  readonly offsets: readonly number[];
  readonly extent: ZipExtent;
  /** Bytes. */
  readonly size: number;
  /** Strong, with its quotes: equal exactly when the bytes are equal. */
  readonly etag: string;
}

/** Lays the entries out in the given order. Pure. */
export function layoutZip(entries: readonly PackedEntry[]): ZipLayout {
  const hash = createHash('sha256').update('satchel-store-1');
  const offsets: number[] = [];
  let extent = emptyZip;
  for (const { name, blob, modified } of entries) {
    offsets.push(extent.contents);
    extent = extendZip(extent, Buffer.byteLength(name), blob.size);
    hash.update(JSON.stringify([name, blob.sha256, blob.size, blob.crc32, zipTime(modified)]));
  }
  return { entries, offsets, extent, size: zipSize(extent), etag: `"${hash.digest('hex')}"` };
}

/** Seconds since 1970 and DOS date and time of an ISO 8601 instant, each clamped to what its field can hold. */
function zipTime(modified: string): { seconds: number; date: number; time: number } {
  const instant = Date.parse(modified);
  const seconds = Math.max(-0x80000000, Math.min(0x7fffffff, Math.floor(instant / 1000)));
  const clamped = new Date(Math.max(Date.UTC(1980, 0, 1), Math.min(Date.UTC(2107, 11, 31, 23, 59, 58), instant)));
  return {
    seconds,
    date: ((clamped.getUTCFullYear() - 1980) << 9) | ((clamped.getUTCMonth() + 1) << 5) | clamped.getUTCDate(),
    time: (clamped.getUTCHours() << 11) | (clamped.getUTCMinutes() << 5) | (clamped.getUTCSeconds() >> 1),
  };
}

/** Writes little-endian fields one after another. */
function fieldWriter(bytes: Buffer) {
  let at = 0;
  const writer = {
    u16: (value: number) => {
      at = bytes.writeUInt16LE(value, at);
      return writer;
    },
    u32: (value: number) => {
      at = bytes.writeUInt32LE(value, at);
      return writer;
    },
    i32: (value: number) => {
      at = bytes.writeInt32LE(value, at);
      return writer;
    },
    u64: (value: number) => {
      at = bytes.writeBigUInt64LE(BigInt(value), at);
      return writer;
    },
    u8: (value: number) => {
      at = bytes.writeUInt8(value, at);
      return writer;
    },
    raw: (value: Uint8Array) => {
      bytes.set(value, at);
      at += value.length;
      return writer;
    },
  };
  return writer;
}
type FieldWriter = ReturnType<typeof fieldWriter>;

/** Fields that local header and directory header share, from "version needed" to the name's length. */
function writeCommon(writer: FieldWriter, { blob, modified }: PackedEntry, nameBytes: number, version: number): void {
  const { date, time } = zipTime(modified);
  const size = Math.min(blob.size, max32);
  writer.u16(version).u16(utf8Flag).u16(0).u16(time).u16(date).u32(blob.crc32).u32(size).u32(size).u16(nameBytes);
}

function writeTimestamp(writer: FieldWriter, modified: string): void {
  writer.u16(0x5455).u16(5).u8(1).i32(zipTime(modified).seconds);
}

export function localHeader(entry: PackedEntry): Buffer {
  const name = Buffer.from(entry.name);
  const { size } = entry.blob;
  const wide = size >= max32;
  const bytes = Buffer.alloc(localBytes(name.length, size));
  const writer = fieldWriter(bytes).u32(signatures.local);
  writeCommon(writer, entry, name.length, wide ? zip64Version : plainVersion);
  writer.u16(bytes.length - localHeaderBytes - name.length).raw(name);
  // Both sizes always, in this order: the local ZIP64 field has no choice (APPNOTE 4.5.3).
  if (wide) writer.u16(1).u16(16).u64(size).u64(size);
  writeTimestamp(writer, entry.modified);
  return bytes;
}

function writeDirectoryHeader(writer: FieldWriter, entry: PackedEntry, offset: number): void {
  const name = Buffer.from(entry.name);
  const { size } = entry.blob;
  const wide = (size >= max32 ? 16 : 0) + (offset >= max32 ? 8 : 0);
  const version = wide > 0 ? zip64Version : plainVersion;
  writer.u32(signatures.directory).u16(madeByUnix | version);
  writeCommon(writer, entry, name.length, version);
  const extraBytes = directoryBytes(name.length, size, offset) - directoryHeaderBytes - name.length;
  writer.u16(extraBytes).u16(0).u16(0).u16(0).u32(fileAttributes).u32(Math.min(offset, max32)).raw(name);
  if (wide > 0) {
    writer.u16(1).u16(wide);
    if (size >= max32) writer.u64(size).u64(size);
    if (offset >= max32) writer.u64(offset);
  }
  writeTimestamp(writer, entry.modified);
}

/** Everything after the last entry's content: central directory and end records. */
export function zipTail({ entries, offsets, extent, size }: ZipLayout): Buffer {
  const bytes = Buffer.alloc(size - extent.contents);
  const writer = fieldWriter(bytes);
  entries.forEach((entry, index) => writeDirectoryHeader(writer, entry, offsets[index] ?? 0));
  if (isZip64(extent)) {
    writer
      .u32(signatures.zip64End)
      .u64(44)
      .u16(madeByUnix | zip64Version)
      .u16(zip64Version)
      .u32(0)
      .u32(0);
    writer.u64(extent.entries).u64(extent.entries).u64(extent.directory).u64(extent.contents);
    writer
      .u32(signatures.zip64Locator)
      .u32(0)
      .u64(extent.contents + extent.directory)
      .u32(1);
  }
  const count = Math.min(extent.entries, max16);
  writer.u32(signatures.end).u16(0).u16(0).u16(count).u16(count);
  writer.u32(Math.min(extent.directory, max32)).u32(Math.min(extent.contents, max32)).u16(0);
  return bytes;
}
