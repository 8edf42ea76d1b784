/**
 * An S3 server of its own, versitygw over a temporary folder: started by the first test that asks, stopped by the process that
 * started it. Its objects are files, `<folder>/<bucket>/<key>`.
 */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findS3Program } from './s3-program.js';

export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  /** Empty at first. */
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The bucket's objects as files. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** One for each test file. */
let shared: Promise<S3Server> | undefined;

export function s3Server(): Promise<S3Server> {
  shared ??= startS3();
  return shared;
}

export async function stopS3Server(): Promise<void> {
  await (await shared)?.stop();
  shared = undefined;
}

export async function startS3(): Promise<S3Server> {
  const program = await findS3Program();
  const root = await mkdtemp(join(tmpdir(), 'satchel-s3-'));
  // Attributes of objects lie beside them, as not every temporary folder can hold them in its files.
  const [objects, attributes] = [join(root, 'objects'), join(root, 'attributes')];
  for (const folder of [objects, attributes]) await mkdir(folder);
  const credentials = { accessKeyId: randomBytes(8).toString('hex'), secretAccessKey: randomBytes(20).toString('hex') };
  const [region, bucket] = ['us-east-1', 'satchel'];
  const port = await freePort();
  const server = spawn(program, ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', '--sidecar', attributes, objects], {
    cwd: root,
    env: { ...process.env, ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
    server.once('error', () => resolve());
  });
  const stop = async () => {
    // Nothing of what it holds is kept, so nothing needs an orderly end.
    server.kill('SIGKILL');
    await ended;
    await rm(root, { recursive: true, force: true });
  };
  try {
    await accepting(server, port);
    const endpoint = `http://127.0.0.1:${port}`;
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
    return { endpoint, region, bucket, credentials, folder: join(objects, bucket), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves once the server takes connections. */
async function accepting(server: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (server.exitCode !== null) throw new Error(`versitygw ended with ${server.exitCode}`);
    if (await takesConnections(port)) return;
    await delay(50);
  }
  throw new Error('versitygw did not start within 30 s');
}

async function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
