import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { deliverFile, folderError } from '../../dam/deliver-files.js';
import { openArchive, type OpenArchive } from '../../dam/open-archive.js';
import { chunkBytes } from '../../repository/store/chunk-memory.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { tempFolder } from './support/temp-folder.js';

function archive(text: string): OpenArchive {
  async function* read() {
    yield Buffer.from(text.slice(0, 3));
    yield Buffer.from(text.slice(3));
  }
  return { size: text.length, etag: '"x"', read };
}
/** Bytes that tell their position, so that a chunk in the wrong place shows. */
function numbered(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((at + seed * 0x1000001) >>> 0, at);
  return bytes;
}

const options = (folder: string, text = 'archive') => ({ folder, file: 'a.zip', archive: archive(text), key: 'job' });

describe('deliverFile', () => {
  it('makes the folder, writes the file and leaves nothing else', async () => {
    const folder = join(await tempFolder(), 'new', 'folder');
    const seen: number[] = [];
    expect(await deliverFile({ ...options(folder), onBytes: (done) => seen.push(done) })).toBe('a.zip');
    expect(await readdir(folder)).toEqual(['a.zip']);
    expect(await readFile(join(folder, 'a.zip'), 'utf8')).toBe('archive');
    expect(seen).toEqual([3, 7]);
  });

  it('writes the bytes of every blob in their place, however many chunks and syncs that takes', async () => {
    const folder = await tempFolder();
    const blobs = await createFilesystemBlobStore({ folder: join(folder, 'blobs') });
    const sizes = [5000, chunkBytes * 3 + 17, chunkBytes, chunkBytes + 1, 5001];
    const written = await Promise.all(
      sizes.map(async (size, seed) => blobs.write(Readable.from([numbered(size, seed)]))),
    );
    const entries = Array.from({ length: 75 }, (_, index) => ({
      name: `${index}.bin`,
      blob: written[index % written.length] ?? { sha256: '', size: 0, crc32: 0 },
      modified: '2024-01-01T00:00:00.000Z',
    }));
    const archive = openArchive(blobs, { file: 'a.zip', method: 'store', size: 0, entries });
    const seen: number[] = [];
    await deliverFile({ folder, file: 'a.zip', archive, key: 'job', onBytes: (done) => seen.push(done) });
    const expected: Uint8Array[] = [];
    for await (const chunk of archive.read()) expected.push(chunk);
    expect((await readFile(join(folder, 'a.zip'))).equals(Buffer.concat(expected))).toBe(true);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(archive.size);
    // A repeat reads both again, and finds them equal.
    expect(await deliverFile({ folder, file: 'a.zip', archive, key: 'job' })).toBe('a.zip');
  });

  it('leaves nothing behind when a blob breaks off', async () => {
    const folder = await tempFolder();
    async function* read() {
      yield Buffer.alloc(1000);
      throw new Error('the blob breaks off');
    }
    const delivery = deliverFile({ ...options(folder), archive: { size: 2000, etag: '"x"', read } });
    await expect(delivery).rejects.toThrow('the blob breaks off');
    expect(await readdir(folder)).toEqual([]);
  });

  it('counts as delivered what is there with the same bytes, and never writes over anything else', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'a.zip'), 'archivX');
    await mkdir(join(folder, 'a (2).zip'));
    expect(await deliverFile(options(folder))).toBe('a (3).zip');
    expect(await deliverFile(options(folder))).toBe('a (3).zip');
    expect(await readFile(join(folder, 'a.zip'), 'utf8')).toBe('archivX');
    expect((await readdir(folder)).sort()).toEqual(['a (2).zip', 'a (3).zip', 'a.zip']);
  });

  it('begins again over what a killed attempt left', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, '.job.part'), 'half of it, and longer than the whole');
    expect(await deliverFile(options(folder))).toBe('a.zip');
    expect(await readdir(folder)).toEqual(['a.zip']);
    expect(await readFile(join(folder, 'a.zip'), 'utf8')).toBe('archive');
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const folder = await tempFolder();
    const cancel = new AbortController();
    const delivery = deliverFile({ ...options(folder), signal: cancel.signal, onBytes: () => cancel.abort() });
    await expect(delivery).rejects.toThrow('aborted');
    expect(await readdir(folder)).toEqual([]);
  });

  it('says when the folder is a file', async () => {
    const folder = join(await tempFolder(), 'file');
    await writeFile(folder, '');
    await expect(deliverFile(options(folder))).rejects.toMatchObject({ code: 'OUT_FOLDER' });
  });

  // The one folder that even root may not write to.
  it.skipIf(process.platform !== 'linux')('says when the folder may not be written to', async () => {
    const delivery = deliverFile(options('/sys/satchel-out'));
    await expect(delivery).rejects.toMatchObject({
      code: 'OUT_FOLDER_FULL',
      message: expect.stringContaining('"/sys/satchel-out"') as string,
    });
  });

  it.each([
    ['ENOSPC', 'OUT_FOLDER_FULL', 'is full'],
    ['EDQUOT', 'OUT_FOLDER_FULL', 'quota'],
    ['EFBIG', 'OUT_FOLDER_FULL', 'of this size'],
    ['EROFS', 'OUT_FOLDER_FULL', 'read-only'],
    ['EACCES', 'OUT_FOLDER_FULL', 'may not be written'],
    ['ENOTDIR', 'OUT_FOLDER', 'no folder'],
  ])('tells %s as %s', (errno, code, text) => {
    const error = folderError('/out', Object.assign(new Error('x'), { code: errno }));
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(text);
    expect(error?.message).toContain('"/out"');
  });

  it('leaves other errors as they are', () => {
    expect(folderError('/out', new Error('else'))).toBeUndefined();
  });
});
