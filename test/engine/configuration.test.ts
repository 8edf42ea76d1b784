import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfiguration } from '../../engine/configuration.js';

describe('readConfiguration', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'satchel-configuration-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const write = (text: string) => writeFile(join(folder, 'satchel.json'), text);

  it('needs no file: one machine, loopback, embedded everything', async () => {
    expect(await readConfiguration(folder, {})).toEqual({
      temporal: { namespace: 'default', tls: false },
      worker: { queues: ['light', 'heavy'], drainSeconds: 5 },
      mode: 'development',
      mail: { from: 'satchel@localhost.localdomain', allowPlainLogin: false },
      http: { host: '127.0.0.1', port: 0 },
      maintenance: {
        collectEveryHours: 24,
        graceHours: 24,
        trimEveryHours: 24,
        journalDays: 7,
        journalCommits: 10_000,
        cursorDays: 30,
      },
      repository: { blobs: join(folder, 'blobs') },
      features: [],
      runModes: [],
      osgi: { env: [] },
      plugins: [],
      overlays: [],
    });
  });

  it('takes a database from variables of any depth, beside what the file says', async () => {
    await write(JSON.stringify({ repository: { postgres: { url: 'postgres://file/db', schema: 'mine' } } }));
    const environment = { SATCHEL_POSTGRES_URL: 'postgres://variable/db', SATCHEL_POSTGRES_POOL_SIZE: '7' };
    const { repository } = await readConfiguration(folder, environment);
    expect(repository.postgres).toEqual({ url: 'postgres://variable/db', schema: 'mine', poolSize: 7 });
  });

  const key = Buffer.alloc(32, 1).toString('base64');
  const older = Buffer.alloc(32, 2).toString('base64');

  it('takes encryption keys from a variable, and older ones from a file', async () => {
    await write(JSON.stringify({ temporal: { encryptionKeyFile: 'keys' } }));
    await writeFile(join(folder, 'keys'), `# since spring\n${older}\n`);
    const { temporal } = await readConfiguration(folder, { SATCHEL_TEMPORAL_ENCRYPTION_KEY: key });
    expect(temporal.encryptionKey?.map(({ bytes }) => bytes.toString('base64'))).toEqual([key, older]);
    expect(new Set(temporal.encryptionKey?.map(({ id }) => id)).size).toBe(2);
  });

  it.each([
    { text: 'short', problem: /temporal\.encryptionKey \(SATCHEL_TEMPORAL_ENCRYPTION_KEY\): .*32 bytes in Base64/ },
    { text: `${key},${key.slice(1)}`, problem: /number 2/ },
    { text: ' , ', problem: /holds no key/ },
  ])('refuses the encryption key "$text" without printing it', async ({ text, problem }) => {
    const refused = await readConfiguration(folder, { SATCHEL_TEMPORAL_ENCRYPTION_KEY: text }).catch(
      (error: unknown) => error as Error & { code: string },
    );
    expect(refused).toMatchObject({ code: 'INVALID_CONFIGURATION' });
    expect((refused as Error).message).toMatch(problem);
    expect((refused as Error).message).not.toContain(key.slice(2, 20));
  });

  it('refuses a key file that is not there, by its name', async () => {
    await expect(readConfiguration(folder, { SATCHEL_TEMPORAL_ENCRYPTION_KEY_FILE: 'nowhere' })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining(join(folder, 'nowhere')) as string,
    });
  });

  it('lets a process work on one queue only where repository and Temporal are shared', async () => {
    const heavy = { SATCHEL_WORKER_QUEUES: 'heavy', SATCHEL_WORKER_HEAVY_STEPS: '3' };
    const database = { SATCHEL_POSTGRES_URL: 'postgres://localhost/db' };
    await expect(readConfiguration(folder, heavy)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(/worker\.queues \(SATCHEL_WORKER_QUEUES\).*PostgreSQL/) as string,
    });
    await expect(readConfiguration(folder, { ...heavy, ...database })).rejects.toMatchObject({
      message: expect.stringContaining('temporal.address') as string,
    });
    const shared = { ...heavy, ...database, TEMPORAL_ADDRESS: 'temporal.example.com:7233' };
    expect((await readConfiguration(folder, shared)).worker).toEqual({
      queues: ['heavy'],
      heavySteps: 3,
      drainSeconds: 5,
    });
    await expect(readConfiguration(folder, { SATCHEL_WORKER_QUEUES: 'fast' })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
    });
  });

  it('takes an S3 bucket from variables and the file, and leaves credentials to the AWS SDK where there are none', async () => {
    await write(JSON.stringify({ repository: { s3: { bucket: 'file', prefix: 'brand', forcePathStyle: false } } }));
    const environment = { SATCHEL_S3_BUCKET: 'variable', SATCHEL_S3_ENDPOINT: 'https://s3.example.com/' };
    const { repository } = await readConfiguration(folder, environment);
    expect(repository.s3).toEqual({
      bucket: 'variable',
      region: 'us-east-1',
      endpoint: 'https://s3.example.com',
      prefix: 'brand',
      forcePathStyle: false,
    });
    const credentials = { SATCHEL_S3_ACCESS_KEY_ID: 'id', SATCHEL_S3_SECRET_ACCESS_KEY: 'secret' };
    const more = { ...environment, ...credentials, SATCHEL_S3_REGION: 'eu-central-1' };
    expect((await readConfiguration(folder, more)).repository.s3).toMatchObject({
      region: 'eu-central-1',
      accessKeyId: 'id',
      secretAccessKey: 'secret',
    });
  });

  it('lets environment variables win field by field, and resolves folders from where they were written', async () => {
    await write(
      JSON.stringify({
        temporal: { address: 'file:7233', namespace: 'brand' },
        plugins: ['plugins/a', '/opt/b'],
        http: { externalUrl: 'https://dam.example.com/' },
      }),
    );
    const environment = {
      TEMPORAL_ADDRESS: 'env:7233',
      SATCHEL_HTTP_PORT: '8080',
      SATCHEL_OVERLAYS: ['x', '/y'].join(delimiter),
    };
    expect(await readConfiguration(folder, environment)).toMatchObject({
      temporal: { address: 'env:7233', namespace: 'brand' },
      http: { port: 8080, externalUrl: 'https://dam.example.com' },
      plugins: [join(folder, 'plugins/a'), '/opt/b'],
      overlays: [resolve('x'), '/y'],
    });
  });

  it('takes run modes from the file, and from a variable with commas', async () => {
    await write(JSON.stringify({ runModes: ['publish', 'prod'] }));
    expect(await readConfiguration(folder, {})).toMatchObject({ runModes: ['publish', 'prod'] });
    expect(await readConfiguration(folder, { SATCHEL_RUN_MODES: 'author, dev' })).toMatchObject({
      runModes: ['author', 'dev'],
    });
  });

  it.each([
    { text: '{', environment: {}, field: /satchel\.json does not parse/ },
    { text: '[]', environment: {}, field: /must be a JSON object/ },
    { text: '{"temporl": {}}', environment: {}, field: /temporl/ },
    { text: '{"http": {"port": 70000}}', environment: {}, field: /http\.port \(.*satchel\.json\)/ },
    { text: '{"mail": {"smtp": "http://x"}}', environment: {}, field: /mail\.smtp .*smtp or smtps/ },
    { text: '{"plugins": "one"}', environment: {}, field: /plugins/ },
    { text: '{"runModes": ["author", "publish"]}', environment: {}, field: /runModes .*either author or publish/ },
    { text: '{}', environment: { SATCHEL_RUN_MODES: 'dev,a.b' }, field: /runModes \(SATCHEL_RUN_MODES\): .*"a\.b"/ },
    {
      text: '{}',
      environment: { TEMPORAL_ADDRESS: 'no port' },
      field: /temporal\.address \(TEMPORAL_ADDRESS\): must be host:port/,
    },
    { text: '{}', environment: { SATCHEL_S3_REGION: 'eu-central-1' }, field: /repository\.s3\.bucket/ },
    {
      text: '{"repository": {"s3": {"bucket": "b", "accessKeyId": "id"}}}',
      environment: {},
      field: /repository\.s3 .*both accessKeyId and secretAccessKey/,
    },
    { text: '{}', environment: { SATCHEL_EXTERNAL_URL: 'javascript:alert(1)' }, field: /SATCHEL_EXTERNAL_URL/ },
  ])('refuses $text $environment and names the field', async ({ text, environment, field }) => {
    await write(text);
    await expect(readConfiguration(folder, environment)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(field) as string,
    });
  });
});
