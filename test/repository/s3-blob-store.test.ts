import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeBlobStore } from '../../repository/conformance/blob-store.js';
import { bytesOf, chunked, sha256Of } from '../../repository/conformance/bytes.js';
import type { BlobStore } from '../../repository/store/contract.js';
import { createS3BlobStore, type S3BlobStoreOptions } from '../../repository/store/s3/s3-blob-store.js';
import { s3Server, startS3, stopS3Server, type S3Server } from '../support/s3-server.js';
import { collect } from './world.js';

let server: S3Server;
let temporaryFolder: string;
beforeAll(async () => {
  server = await s3Server();
  temporaryFolder = await mkdtemp(join(tmpdir(), 'satchel-s3-spool-'));
});
afterAll(async () => {
  await stopS3Server();
  await rm(temporaryFolder, { recursive: true, force: true });
});

describeBlobStore('S3', () => createS3BlobStore({ ...server, temporaryFolder, prefix: randomUUID() }), vitest);

async function opened(options: Partial<S3BlobStoreOptions> = {}): Promise<{ store: BlobStore; prefix: string }> {
  const prefix = randomUUID();
  const store = await createS3BlobStore({ ...server, temporaryFolder, prefix, ...options });
  onTestFinished(() => store.close());
  return { store, prefix };
}

describe('the S3 blob store', () => {
  it('keeps one object per content, named after its hash below the prefix, and no file on this machine', async () => {
    const { store, prefix } = await opened();
    const { sha256 } = await store.write(chunked('content', 3));
    await store.write(chunked('content', 7));
    expect(await readdir(join(server.folder, prefix))).toEqual([sha256]);
    expect('localFile' in store).toBe(false);
    const source = (async function* () {
      yield Buffer.from('start');
      // While a blob is on its way up its file has no name, so that a killed process leaves none.
      expect(await readdir(temporaryFolder)).toEqual([]);
      throw new Error('broken');
    })();
    await expect(store.write(source)).rejects.toThrow('broken');
    expect(await readdir(temporaryFolder)).toEqual([]);
    expect(await readdir(join(server.folder, prefix))).toEqual([sha256]);
  });

  it('uploads in parts what is large, and reads ranges across them', async () => {
    const { store, prefix } = await opened();
    const bytes = Buffer.alloc(17 * 1024 * 1024 + 5);
    for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(at, at);
    const { sha256, size } = await store.write(chunked(bytes, 1_000_000));
    expect(size).toBe(bytes.length);
    const client = new S3Client({ ...server, forcePathStyle: true });
    onTestFinished(() => client.destroy());
    const head = await client.send(new HeadObjectCommand({ Bucket: server.bucket, Key: `${prefix}/${sha256}` }));
    // How S3 marks what was uploaded in so many parts.
    expect(head.ETag).toMatch(/-3"$/);
    expect((await bytesOf(store.read(sha256))).equals(bytes)).toBe(true);
    const start = 8 * 1024 * 1024 - 1000;
    expect(
      (await bytesOf(store.read(sha256, { start, length: 2000 }))).equals(bytes.subarray(start, start + 2000)),
    ).toBe(true);
    await store.write(chunked(bytes, 1_000_000));
    expect((await bytesOf(store.stream(sha256))).equals(bytes)).toBe(true);
  });

  it('finds an object that lost bytes, and replaces it when the content is written again', async () => {
    const { store, prefix } = await opened();
    const { sha256, size } = await store.write(chunked('whole content', 5));
    await truncate(join(server.folder, prefix, sha256), 4);
    await expect(bytesOf(store.read(sha256, { start: 0, length: size }))).rejects.toMatchObject({
      code: 'BLOB_MISSING',
    });
    await expect(bytesOf(store.read(sha256, { start: 6, length: 2 }))).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    await store.write(chunked('whole content', 5));
    expect((await bytesOf(store.read(sha256))).toString()).toBe('whole content');
  });

  it('lists more blobs than one page holds, and nothing else that is in the bucket', async () => {
    const { store, prefix } = await opened();
    await store.write(chunked('one', 3));
    // Objects are files of the server; a page has at most a thousand.
    const written = Array.from({ length: 1100 }, (_, index) => sha256Of(String(index)));
    for (const sha256 of written) await writeFile(join(server.folder, prefix, sha256), 'x');
    await writeFile(join(server.folder, prefix, 'notes.txt'), 'not a blob');
    await opened().then(({ store: other }) => other.write(chunked('of another repository', 4)));
    const listed = (await collect(store.list())).map(({ sha256 }) => sha256);
    expect(listed.toSorted()).toEqual([...written, sha256Of('one')].toSorted());
  });

  it('says so when the server does not answer, and passes errors of a reader on', async () => {
    const own = await startS3();
    const { store } = await opened(own).catch(async (error: unknown) => {
      await own.stop();
      throw error;
    });
    const { sha256 } = await store.write(chunked('content', 3));
    const stream = store.stream(sha256);
    const failure = new Error('the reader went away');
    const closed = new Promise((resolve) => stream.once('error', resolve));
    stream.once('readable', () => stream.destroy(failure));
    expect(await closed).toBe(failure);
    await own.stop();
    const unavailable = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('"satchel"') as string };
    await expect(store.write(chunked('more', 3))).rejects.toMatchObject(unavailable);
    await expect(bytesOf(store.read(sha256))).rejects.toMatchObject(unavailable);
    await expect(store.has(sha256)).rejects.toMatchObject(unavailable);
    await expect(collect(store.list())).rejects.toMatchObject(unavailable);
    await expect(store.remove(sha256)).rejects.toMatchObject(unavailable);
    await expect(opened(own)).rejects.toMatchObject(unavailable);
  });

  it.each<[string, Partial<S3BlobStoreOptions>]>([
    ['no such bucket', { bucket: 'no-such-bucket' }],
    ['credentials that are not the server’s', { credentials: { accessKeyId: 'wrong', secretAccessKey: 'wrong' } }],
  ])('does not open with %s', async (_, options) => {
    await expect(opened(options)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
