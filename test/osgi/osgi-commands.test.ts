import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openSatchel, type SatchelOptions } from '../../compose.js';
import { adminUser } from '../../repository/api.js';
import { docView, packageEntries, writeZip } from '../vault/package-builder.js';
import { createCommandWorld, type CommandWorld } from '../cli/command-world.js';
import { documentedExample, downloadServlet, putFile } from './osgi-world.js';

interface WorldOptions {
  readonly runModes?: SatchelOptions['runModes'];
  /** satchel.json */
  readonly configuration?: object;
  /** Files of an overlay folder, by path. */
  readonly overlay?: Readonly<Record<string, string>>;
}

async function open({ runModes, configuration = {}, overlay = {} }: WorldOptions = {}): Promise<CommandWorld> {
  const world = await createCommandWorld(async (folder) => {
    await mkdir(path.join(folder, 'data'));
    await mkdir(path.join(folder, 'overlay'));
    const settings = { overlays: ['../overlay'], ...configuration };
    await writeFile(path.join(folder, 'data', 'satchel.json'), JSON.stringify(settings));
    for (const [name, text] of Object.entries(overlay)) {
      const file = path.join(folder, 'overlay', name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }, runModes && { runModes });
  onTestFinished(() => world.close());
  return world;
}

const example = { [`apps/portal/config.publish/${downloadServlet}.config`]: documentedExample };
const examplePath = `/apps/portal/config.publish/${downloadServlet}.config`;

async function addAsset(world: CommandWorld, bytes: number): Promise<void> {
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/dam/big.bin', { primaryType: 'dam:Asset' }, 'sling:Folder');
    await session.ensureNode('/content/dam/big.bin/jcr:content', { primaryType: 'dam:AssetContent' });
    const original = '/content/dam/big.bin/jcr:content/renditions/original';
    await session.ensureNode(original, { primaryType: 'nt:file' }, 'nt:folder');
    await session.addNode(`${original}/jcr:content`, {
      primaryType: 'nt:resource',
      properties: { 'jcr:data': await session.createBinary(Buffer.alloc(bytes, 'x')), 'jcr:mimeType': 'text/plain' },
    });
    await session.save();
  });
}

let shared: CommandWorld;
beforeAll(async () => {
  shared = await createCommandWorld();
});
afterAll(async () => shared.close());

describe('the example of the documentation', () => {
  it('limits downloads to 102,400 bytes in run mode publish', async () => {
    const world = await open({ runModes: ['publish'], overlay: example });
    const { document } = await world.json('settings', 'get', 'dam/download/maxBytes');
    expect(document).toMatchObject({ value: 102_400, layer: 'osgi', source: examplePath });
    await addAsset(world, 102_401);
    expect(await world.json('download', '/content/dam/big.bin', '--plan')).toMatchObject({
      code: 2,
      document: { error: { code: 'LIMIT_EXCEEDED', details: { allowed: 102_400, layer: 'osgi' } } },
    });
  });

  it('is ignored in run mode author', async () => {
    const world = await open({ overlay: example });
    const { document } = await world.json('settings', 'get', 'dam/download/maxBytes');
    expect(document).toMatchObject({ value: 2 ** 30 });
    await addAsset(world, 102_401);
    expect(await world.json('download', '/content/dam/big.bin', '--plan')).toMatchObject({ code: 0 });
    const list = await world.json('osgi', 'list');
    expect(list.document).toMatchObject({ configurations: [{ path: examplePath, state: 'inactive' }] });
  });

  it('goes before /libs and behind /apps, /conf/global and tenants', async () => {
    const world = await open({ runModes: ['publish'], overlay: example });
    const layer = async () => (await world.json('settings', 'get', 'dam/download/maxBytes')).document;
    expect(await layer()).toMatchObject({ layer: 'osgi' });
    await world.run('settings', 'set', 'dam/download/maxBytes', '7', '--layer', '/apps');
    expect(await layer()).toMatchObject({ layer: '/apps', value: 7 });
  });
});

describe('the settings that AEM’s configurations set', () => {
  it.each([
    [downloadServlet, 'enabled=B"false"', 'dam/assetdownload/enabled', false],
    [
      'com.day.cq.dam.core.impl.assetlinkshare.AdhocAssetShareProxyServlet',
      'cq.dam.adhoc.asset.share.prezip.maxcontentsize=L"1048576"',
      'dam/share/maxContentBytes',
      1_048_576,
    ],
    [
      'com.day.cq.dam.core.impl.process.SendTransientWorkflowCompletedEmailProcess',
      String.raw`Notify\ on\ Complete=B"false"`,
      'workflow/transient/notifyOnComplete',
      false,
    ],
    ['com.day.cq.mailer.DefaultMailService', 'from.address="dam@example.com"', 'dam/mail/from', 'dam@example.com'],
  ])('%s: %s', async (pid, text, setting, value) => {
    const file = `/apps/portal/config/${pid}.config`;
    await putFile(shared.satchel.repository, file, text);
    expect((await shared.json('settings', 'get', setting)).document).toMatchObject({
      layer: 'osgi',
      source: file,
      value,
    });
  });
});

describe('a content package', () => {
  it('brings configurations as files and as nodes', async () => {
    const files = {
      'apps/packaged/config.author/com.example.Service.config': 'size=I"5"\n',
      'apps/packaged/config/com.example.Pool-small.xml': docView(
        'jcr:primaryType="sling:OsgiConfig" size="{Long}7" names="[a,b]"',
      ),
    };
    const entries = packageEntries({ filter: '<filter root="/apps/packaged"/>', files });
    const file = await writeZip(path.join(shared.folder, 'package.zip'), entries);
    expect((await shared.run('install', file)).code).toBe(0);
    expect((await shared.json('osgi', 'show', 'com.example.Service')).document).toMatchObject({
      configurations: [{ path: '/apps/packaged/config.author/com.example.Service.config', runModes: 'author' }],
    });
    expect((await shared.json('osgi', 'show', 'com.example.Pool~small')).document).toMatchObject({
      configurations: [
        {
          path: '/apps/packaged/config/com.example.Pool-small',
          state: 'active',
          properties: [
            { name: 'size', type: 'Long', values: [7] },
            { name: 'names', type: 'String', shape: 'array', values: ['a', 'b'] },
          ],
        },
      ],
    });
  });
});

describe('satchel osgi', () => {
  it('lists what is active, shadowed, inactive, broken and unknown, and what it means', async () => {
    const world = await open();
    const put = (name: string, text: string) => putFile(world.satchel.repository, name, text);
    await put(`/libs/product/config/${downloadServlet}.config`, documentedExample);
    await put(`/apps/portal/config/${downloadServlet}.config`, 'asset.download.prezip.maxcontentsize=I"5"');
    await put('/apps/portal/config/com.example.Pool-small.config', 'size=I"1"\n');
    await put('/apps/portal/config/com.example.Broken.config', 'size=1\n');
    const { code, stdout } = await world.run('osgi', 'list');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'com.day.cq.dam.core.impl.servlet.AssetDownloadServlet  active',
      `  /apps/portal/config/${downloadServlet}.config`,
      '    dam/download/maxBytes = 5',
      '    dam/assetdownload/maxContentBytes = 5',
      `com.day.cq.dam.core.impl.servlet.AssetDownloadServlet  shadowed by /apps/portal/config/${downloadServlet}.config`,
      `  /libs/product/config/${downloadServlet}.config`,
      '    dam/assetdownload/enabled = true',
      '    dam/download/maxBytes = 102400',
      '    dam/assetdownload/maxContentBytes = 102400',
      'com.example.Broken  broken: does not count',
      '  /apps/portal/config/com.example.Broken.config',
      '  /apps/portal/config/com.example.Broken.config:1:6: "1" stands where the value of "size" in quotes should be',
      'com.example.Pool~small  active',
      '  /apps/portal/config/com.example.Pool-small.config',
      '    unknown PID: kept, without effect',
      '4 configurations; run modes author',
      '',
    ]);
  });

  it('shows values but no passwords', async () => {
    const world = await open();
    const pid = 'com.day.cq.mailer.DefaultMailService';
    const text = 'smtp.host="mail.example.com"\nsmtp.port=I"465"\nsmtp.password="geheim"\napi.token="geheim"';
    await putFile(world.satchel.repository, `/apps/portal/config/${pid}.config`, text);
    const shown = await world.run('osgi', 'show', pid);
    expect(shown.stdout).toContain('mail.example.com');
    for (const args of [['show', pid], ['show', pid, '--json'], ['list'], ['list', '--json']]) {
      expect((await world.run('osgi', ...args)).stdout).not.toContain('geheim');
    }
    expect(await world.json('osgi', 'show', 'com.example.None')).toMatchObject({
      code: 2,
      document: { error: { code: 'PATH_NOT_FOUND' } },
    });
  });

  it('shows nobody what they may not read', async () => {
    const world = await open({ overlay: example });
    await world.run('user', 'add', 'ada', '--email', 'ada@example.com', '--group', 'dam-users');
    expect((await world.json('osgi', 'list', '--as', 'ada')).document).toMatchObject({ configurations: [] });
    expect(await world.json('osgi', 'show', downloadServlet, '--as', 'ada')).toMatchObject({ code: 2 });
  });

  it('says which run modes are active, and refuses others while they are', async () => {
    const world = await open({ configuration: { runModes: ['dev'] } });
    expect((await world.json('osgi', 'run-modes')).document).toEqual({
      runModes: ['author', 'dev'],
      from: 'configuration',
    });
    expect(await world.json('--run-modes', 'dev,author', 'osgi', 'run-modes')).toMatchObject({ code: 0 });
    const other = await world.json('--run-modes', 'publish', 'osgi', 'run-modes');
    expect(other).toMatchObject({ code: 2, document: { error: { code: 'INVALID_REQUEST' } } });
    for (const wrong of ['author,publish', 'a.b', '']) {
      expect(await world.json('--run-modes', wrong, 'osgi', 'run-modes')).toMatchObject({ code: 2 });
    }
  });
});

describe('OSGi configurations in content folders', () => {
  it('that do not parse keep their last good version in the repository, and are named with file and line', async () => {
    const world = await open({ runModes: ['publish'], overlay: example });
    await world.satchel.close();
    const file = path.join(world.folder, 'overlay', ...Object.keys(example));
    await writeFile(file, `${documentedExample}\nmore=1`);
    const { dataFolder } = world.satchel;
    const log = pino({ level: 'silent' });
    const again = await openSatchel({ dataFolder, mode: 'command', work: false, runModes: ['publish'], log });
    onTestFinished(() => again.close());
    expect(again.contentReports.flatMap(({ problems }) => problems)).toMatchObject([{ file, line: 4 }]);
    expect(await again.osgi.settingValue('dam/download/maxBytes')).toEqual({ values: [102_400], source: examplePath });
    expect(await again.osgi.all()).toMatchObject([{ state: 'active', problems: [] }]);
  });
});
