/**
 * Which table files a LevelDB is made of, from its manifest (doc/log_format.md and db/version_edit.cc of LevelDB): others in its
 * folder are left from a crash, whole or not, and go when it opens.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader, MalformedBytes } from './byte-reader.js';
import { maskedCrc32c } from './crc32c.js';

export interface LiveTable {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
}

const logBlockBytes = 32 * 1024;
const headerBytes = 7;
/** Types of fragments of a record. */
const [whole, first, middle, last] = [1, 2, 3, 4] as const;
/** Tags of what an edit says. */
const tags = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  prevLogNumber: 9,
} as const;

/** @throws MalformedBytes for a manifest that is damaged; ENOENT where there is none */
export async function liveTables(folder: string): Promise<LiveTable[]> {
  const manifest = (await readFile(join(folder, 'CURRENT'), 'utf8')).trimEnd();
  if (!/^MANIFEST-\d+$/.test(manifest)) throw new MalformedBytes('CURRENT names no manifest');
  const sizes = new Map<number, number>();
  for (const edit of recordsOf(await readFile(join(folder, manifest)))) apply(edit, sizes);
  const names = new Map(
    (await readdir(folder)).flatMap((name): [number, string][] => {
      const number = /^(\d+)\.(?:ldb|sst)$/.exec(name)?.[1];
      return number === undefined ? [] : [[Number(number), name]];
    }),
  );
  return [...sizes].map(([number, size]) => {
    return { file: names.get(number) ?? `${String(number).padStart(6, '0')}.ldb`, size };
  });
}

/** What follows a record that is cut short was never finished. */
function* recordsOf(log: Buffer): Generator<Buffer> {
  let fragments: Buffer[] = [];
  for (let at = 0; at + headerBytes <= log.length;) {
    const left = logBlockBytes - (at % logBlockBytes);
    if (left < headerBytes) {
      at += left;
      continue;
    }
    const length = log.readUInt16LE(at + 4);
    const type = log[at + 6] ?? 0;
    const end = at + headerBytes + length;
    if (end > log.length) return;
    if (length > left - headerBytes || maskedCrc32c(log.subarray(at + 6, end)) !== log.readUInt32LE(at)) {
      throw new MalformedBytes(`the manifest has a wrong checksum at byte ${at}`);
    }
    const data = log.subarray(at + headerBytes, end);
    if (type === whole || type === first) fragments = [data];
    else if (type === middle || type === last) fragments.push(data);
    if (type === whole || type === last) yield Buffer.concat(fragments);
    at = end;
  }
}

function apply(edit: Buffer, sizes: Map<number, number>): void {
  const reader = new ByteReader(edit);
  while (!reader.isAtEnd) {
    switch (reader.varint()) {
      case tags.comparator:
        reader.string();
        break;
      case tags.logNumber:
      case tags.nextFileNumber:
      case tags.lastSequence:
      case tags.prevLogNumber:
        reader.varint();
        break;
      case tags.compactPointer:
        reader.varint();
        reader.string();
        break;
      case tags.deletedFile:
        reader.varint();
        sizes.delete(reader.varint());
        break;
      case tags.newFile: {
        reader.varint();
        const number = reader.varint();
        sizes.set(number, reader.varint());
        reader.string();
        reader.string();
        break;
      }
      default:
        throw new MalformedBytes('the manifest says something unknown');
    }
  }
}
