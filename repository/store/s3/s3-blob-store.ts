/**
 * Blobs as objects of an S3 bucket: `<prefix>/<hash>`. The hash is known only after the last byte, so a blob is written to a
 * local file first and uploaded from there; an object appears whole or not at all.
 */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { blobMissing, blobTooShort, isSha256 } from '../blob-address.js';
import { chunkBytes } from '../chunk-memory.js';
import type { BlobInfo, BlobStore, ByteRange, ListedBlob } from '../contract.js';
import { asWriteError, writeHashed } from '../write-hashed.js';
import { asStoreError, isBeyondEnd, isNotFound } from './s3-error.js';

export interface S3BlobStoreOptions {
  /** URL of a server that is not Amazon's. */
  readonly endpoint?: string;
  readonly region: string;
  /** Exists already. */
  readonly bucket: string;
  /** Of the keys of all objects, without a slash at the end; several repositories may share a bucket. */
  readonly prefix?: string;
  /** Default: what the AWS SDK finds, in its variables, its files or the machine's role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The bucket in the path rather than in the name of the host. Default: with an endpoint of one's own. */
  readonly forcePathStyle?: boolean;
  /** For blobs on their way up; made when missing. Several processes may share it, and one that is killed leaves nothing in it. */
  readonly temporaryFolder: string;
}

/** Two parts of an upload at a time are in memory. */
const partBytes = 8 * 1024 * 1024;
/** Limits of Amazon S3: parts of an upload, and bytes that one request copies. */
const mostParts = 10_000;
const mostCopied = 5 * 1024 ** 3;

/** @throws RepositoryError STORE_UNAVAILABLE when the bucket cannot be reached */
export async function createS3BlobStore(options: S3BlobStoreOptions): Promise<BlobStore> {
  const { endpoint, region, bucket, credentials, forcePathStyle = endpoint !== undefined } = options;
  const folder = resolve(options.temporaryFolder);
  await mkdir(folder, { recursive: true });
  const client = new S3Client({
    region,
    forcePathStyle,
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
    // Bodies come as they arrive: their length is checked here, their hash by whoever compares it with the content.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 120_000,
      throwOnRequestTimeout: true,
      // Silence while a body arrives, of a reader that waits too.
      socketTimeout: 300_000,
      // An archive reads many blobs at once, and each holds a connection until it is read.
      httpAgent: { maxSockets: 200 },
      httpsAgent: { maxSockets: 200 },
    },
  });
  const store = new S3BlobStore(client, bucket, keyPrefix(options.prefix), folder);
  try {
    await store.checkBucket();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

function keyPrefix(prefix = ''): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `${bare}/`;
}

class S3BlobStore implements BlobStore {
  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    private readonly prefix: string,
    private readonly folder: string,
  ) {}

  async checkBucket(): Promise<void> {
    await this.#ask(() => this.client.send(new HeadBucketCommand({ Bucket: this.bucket })));
  }

  async write(source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const handle = await this.#temporaryFile();
    try {
      const info = await writeHashed(handle, source).catch((error: unknown) => {
        throw asWriteError(error);
      });
      if (!(await this.#isRenewed(info))) await this.#upload(handle, info);
      return info;
    } finally {
      await handle.close();
    }
  }

  /** An open file without a name, which is gone when it is closed, also by a kill. */
  async #temporaryFile(): Promise<FileHandle> {
    const file = join(this.folder, randomUUID());
    const handle = await open(file, 'wx+', 0o600);
    await rm(file);
    return handle;
  }

  /** Whether the object is there whole; then it counts as written now, by a copy onto itself. */
  async #isRenewed({ sha256, size }: BlobInfo): Promise<boolean> {
    const existing = await this.#head(sha256);
    if (existing?.ContentLength !== size || size > mostCopied) return false;
    const Key = this.#keyOf(sha256);
    const CopySource = [this.bucket, ...Key.split('/')].map(encodeURIComponent).join('/');
    // A copy onto itself must change something: its metadata is replaced, by none.
    const copy = new CopyObjectCommand({ Bucket: this.bucket, Key, CopySource, MetadataDirective: 'REPLACE' });
    if (!(await this.#unlessMissing(() => this.client.send(copy)))) return false;
    // Servers that keep objects as files, versitygw for one, change nothing but the metadata then.
    const renewed = await this.#head(sha256);
    return timeOf(renewed) > timeOf(existing);
  }

  async #upload(handle: FileHandle, { sha256, size }: BlobInfo): Promise<void> {
    const Body = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes });
    try {
      // One request for what fits into one part.
      const upload = new Upload({
        client: this.client,
        params: { Bucket: this.bucket, Key: this.#keyOf(sha256), Body, ContentLength: size },
        partSize: Math.max(partBytes, Math.ceil(size / mostParts)),
        queueSize: 2,
      });
      await this.#ask(() => upload.done());
    } finally {
      Body.destroy();
    }
  }

  async *read(sha256: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    // HTTP has no range without bytes.
    if (range?.length === 0) {
      if (!(await this.has(sha256))) throw blobMissing(sha256);
      return;
    }
    const { Body, ContentLength = 0 } = await this.#get(sha256, range);
    const start = range?.start ?? 0;
    const end = start + (range?.length ?? ContentLength);
    const body = Body as Readable;
    try {
      // The server answers a range that goes beyond the end with what there is.
      if (start + ContentLength < end) throw blobTooShort(sha256, start + ContentLength, end);
      let position = start;
      for await (const chunk of this.#asked<Uint8Array>(body)) {
        position += chunk.byteLength;
        yield chunk;
      }
      if (position < end) throw blobTooShort(sha256, position, end);
    } finally {
      body.destroy();
    }
  }

  async #get(sha256: string, range: ByteRange | undefined): Promise<GetObjectCommandOutput> {
    const command = new GetObjectCommand({
      Bucket: this.bucket,
      Key: this.#keyOf(sha256),
      ...(range && { Range: `bytes=${range.start}-${range.start + range.length - 1}` }),
    });
    try {
      return await this.client.send(command);
    } catch (error) {
      if (isNotFound(error)) throw blobMissing(sha256);
      if (range && isBeyondEnd(error)) throw blobTooShort(sha256, range.start, range.start + range.length);
      throw asStoreError(error, this.bucket);
    }
  }

  async has(sha256: string): Promise<boolean> {
    return isSha256(sha256) && (await this.#head(sha256)) !== undefined;
  }

  async *list(): AsyncIterable<ListedBlob> {
    const pages = paginateListObjectsV2(
      { client: this.client },
      // What lies deeper is not the store's.
      { Bucket: this.bucket, Prefix: this.prefix, Delimiter: '/' },
    );
    for await (const { Contents = [] } of this.#asked(pages)) {
      for (const { Key = '', Size, LastModified } of Contents) {
        const sha256 = Key.slice(this.prefix.length);
        if (!isSha256(sha256) || Size === undefined || LastModified === undefined) continue;
        yield { sha256, size: Size, modified: LastModified };
      }
    }
  }

  async remove(sha256: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.bucket, Key: this.#keyOf(sha256) });
    await this.#unlessMissing(() => this.client.send(command));
  }

  stream(sha256: string, range?: ByteRange): Readable {
    return Readable.from(this.read(sha256, range), { objectMode: false, highWaterMark: chunkBytes });
  }

  async close(): Promise<void> {
    this.client.destroy();
  }

  /** What the server knows of the object, `undefined` when there is none. */
  async #head(sha256: string): Promise<HeadObjectCommandOutput | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.bucket, Key: this.#keyOf(sha256) });
    return this.#unlessMissing(() => this.client.send(command));
  }

  #keyOf(sha256: string): string {
    // The hash may come from content, so it must not be able to leave the prefix.
    if (!isSha256(sha256)) throw blobMissing(sha256);
    return `${this.prefix}${sha256}`;
  }

  async #unlessMissing<T>(send: () => Promise<T>): Promise<T | undefined> {
    try {
      return await send();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw asStoreError(error, this.bucket);
    }
  }

  async #ask<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw asStoreError(error, this.bucket);
    }
  }

  /** What the server sends bit by bit; errors of whoever reads it are not the server's. */
  async *#asked<T>(answers: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = answers[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#ask(() => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  }
}

/** When the object was last written, in milliseconds; S3 has whole seconds. */
function timeOf(object: HeadObjectCommandOutput | undefined): number {
  return object?.LastModified?.getTime() ?? 0;
}
