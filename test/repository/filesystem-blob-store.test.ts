import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeBlobStore } from '../../repository/conformance/blob-store.js';
import { bytesOf, chunked, sha256Of } from '../../repository/conformance/bytes.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { temporaryFolder } from './world.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'satchel-blobs-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
let opened = 0;

describeBlobStore('files', () => createFilesystemBlobStore({ folder: join(root, String(opened++)) }), vitest);

describe('the file blob store', () => {
  it('keeps one file per content, named after its hash, and no temporary ones', async () => {
    const folder = await temporaryFolder();
    const store = await createFilesystemBlobStore({ folder });
    const { sha256 } = await store.write(chunked('content', 3));
    await store.write(chunked('content', 7));
    await expect(store.write(failing())).rejects.toThrow('broken');
    const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
    expect(files).toEqual([sha256Of('content')]);
    expect(await store.localFile?.(sha256)).toBe(join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256));
  });

  it('removes what a killed process left unfinished, when no other one writes', async () => {
    const folder = await temporaryFolder();
    const { sha256 } = await (await createFilesystemBlobStore({ folder })).write(chunked('content', 3));
    await writeFile(join(folder, 'tmp', 'unfinished'), 'cont');
    await createFilesystemBlobStore({ folder });
    expect(await readdir(join(folder, 'tmp'))).toEqual(['unfinished']);
    const store = await createFilesystemBlobStore({ folder, alone: true });
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    expect(await store.has(sha256)).toBe(true);
  });

  it('replaces a file that lost bytes when the content is written again', async () => {
    const folder = await temporaryFolder();
    const store = await createFilesystemBlobStore({ folder });
    const { sha256, size } = await store.write(chunked('whole content', 5));
    await truncate((await store.localFile?.(sha256)) ?? '', 4);
    await expect(bytesOf(store.read(sha256, { start: 0, length: size }))).rejects.toMatchObject({
      code: 'BLOB_MISSING',
    });
    await store.write(chunked('whole content', 5));
    expect((await bytesOf(store.read(sha256))).toString()).toBe('whole content');
  });
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('start');
  throw new Error('broken');
}
