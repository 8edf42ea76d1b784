/** C5: packages that are hostile by their size, whole and with the limits that are in force without a word. */
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { installPackage } from '../../repository/vault/install.js';
import { openEmbedded, temporaryFolder } from '../repository/world.js';
import { packageEntries } from './package-builder.js';

interface RawEntry {
  readonly name: string;
  readonly data: readonly Buffer[];
  /** What the archive says. */
  readonly size: number;
  readonly crc: number;
  readonly deflated: boolean;
}

const gibibyte = 1024 ** 3;
const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** A ZIP64 archive, as a stream: its directory alone may have a hundred megabytes. */
async function writeLargeZip(file: string, entries: Iterable<RawEntry>): Promise<number> {
  const central: Buffer[] = [];
  let offset = 0;
  let count = 0;
  function* bytes(): Generator<Buffer> {
    for (const { name, data, size, crc, deflated } of entries) {
      const packed = data.reduce((sum, { length }) => sum + length, 0);
      const isLarge = size >= 0xffffffff;
      const extra = isLarge ? Buffer.concat([Buffer.from([1, 0, 16, 0]), u64(size), u64(packed)]) : Buffer.alloc(0);
      const shared = Buffer.alloc(26);
      shared.writeUInt16LE(isLarge ? 45 : 20, 0);
      shared.writeUInt16LE(0x800, 2);
      shared.writeUInt16LE(deflated ? 8 : 0, 4);
      shared.writeUInt32LE(crc, 10);
      shared.writeUInt32LE(isLarge ? 0xffffffff : packed, 14);
      shared.writeUInt32LE(isLarge ? 0xffffffff : size, 18);
      shared.writeUInt16LE(name.length, 22);
      shared.writeUInt16LE(extra.length, 24);
      const tail = Buffer.alloc(14);
      tail.writeUInt32LE(offset, 10);
      central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), shared, tail, Buffer.from(name), extra]));
      yield Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name), extra]);
      yield* data;
      offset += 30 + name.length + extra.length + packed;
      count++;
    }
    const start = offset;
    yield* central;
    const length = central.reduce((sum, entry) => sum + entry.length, 0);
    const version = Buffer.from([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    yield Buffer.concat([Buffer.from('PK\x06\x06'), u64(44), version, u64(count), u64(count), u64(length), u64(start)]);
    yield Buffer.concat([Buffer.from('PK\x06\x07'), Buffer.alloc(4), u64(start + length), Buffer.from([1, 0, 0, 0])]);
    yield Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(4), Buffer.alloc(12, 0xff), Buffer.alloc(2)]);
  }
  await pipeline(Readable.from(bytes()), createWriteStream(file));
  return (await stat(file)).size;
}

const good = packageEntries({ filter: '<filter root="/content/g"/>', files: {} }).map(({ name, content }): RawEntry => {
  const data = Buffer.from(content ?? '');
  return { name, data: [data], size: data.length, crc: crc32(data), deflated: false };
});

/** Zeros, a thousand times as long as what they are packed to. */
function zeros(bytes: number, size: number): RawEntry {
  const piece = 16 * 1024 ** 2;
  const packed = deflateRawSync(Buffer.alloc(piece), { level: 9, finishFlush: constants.Z_SYNC_FLUSH });
  const data = [...Array<Buffer>(bytes / piece).fill(packed), Buffer.from([3, 0])];
  return { name: 'jcr_root/content/g/zeros.bin', data, size, crc: 0, deflated: true };
}

async function install(entries: Iterable<RawEntry>) {
  const repository = await openEmbedded(await temporaryFolder());
  const session = await repository.login('admin');
  onTestFinished(async () => {
    await session.close();
    await repository.close();
  });
  const file = join(await temporaryFolder(), 'package.zip');
  const size = await writeLargeZip(file, entries);
  const before = { sequence: session.sequence, memory: process.memoryUsage().rss };
  const outcome: unknown = await installPackage({ session, file }).catch((thrown: unknown) => thrown);
  expect(session).toMatchObject({ hasPendingChanges: false, sequence: before.sequence });
  expect(await session.findNode('/content/g')).toBeUndefined();
  return { outcome, size, grown: process.memoryUsage().rss - before.memory };
}

describe('a package of hostile size', () => {
  it('is written as a sound one is, which installs', async () => {
    expect((await install(good)).outcome).toMatchObject({ name: 'sample & more' });
  });

  it('which says that its 10 MB are 10 GB is refused before it is unpacked', async () => {
    const { outcome, size, grown } = await install([...good, zeros(10 * gibibyte, 10 * gibibyte)]);
    expect(size).toBeLessThan(11 * 1024 ** 2);
    expect(outcome).toMatchObject({
      code: 'INVALID_PACKAGE',
      message: expect.stringContaining('more than 100 times') as string,
    });
    expect(grown).toBeLessThan(64 * 1024 ** 2);
  });

  it('which hides that its 10 MB are 10 GB is refused where it is longer than it says', async () => {
    const { outcome, grown } = await install([...good, zeros(10 * gibibyte, 1024)]);
    expect(outcome).toMatchObject({
      code: 'INVALID_PACKAGE',
      message: expect.stringContaining('does not unpack') as string,
    });
    expect(grown).toBeLessThan(128 * 1024 ** 2);
  });

  it('with a million entries is refused before its directory is read', async () => {
    function* million(): Generator<RawEntry> {
      yield* good;
      for (let index = 0; index < 1_000_000; index++) {
        yield { name: `jcr_root/content/g/n${index}.txt`, data: [], size: 0, crc: 0, deflated: false };
      }
    }
    const { outcome, grown } = await install(million());
    expect(outcome).toMatchObject({
      code: 'INVALID_PACKAGE',
      message: expect.stringMatching(/1000002 entries; 250000 are allowed/) as string,
    });
    expect(grown).toBeLessThan(64 * 1024 ** 2);
  });
});
