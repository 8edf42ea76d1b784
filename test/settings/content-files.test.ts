/** Settings in content folders: the last good version stays, and a person is told file and line. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createStepRegistry } from '../../activities/registry.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { settingsRule } from '../../dam/settings/check-settings.js';
import { maxAssets } from '../../dam/settings/definitions.js';
import { createSettings } from '../../dam/settings/settings.js';
import { createContentKeeper, type ContentKeeper } from '../../engine/content-keeper.js';
import { contentMounts } from '../../engine/content-mounts.js';
import { adminUser, type Repository } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { openRepository } from '../../repository/repository.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

let folder: string;
let repository: Repository;
let keeper: ContentKeeper;
let logged: { readonly level: number; readonly msg: string }[];

const write = async (path: string, ...lines: string[]) => {
  const file = join(folder, 'overlay', path, '.content.json');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, lines.join('\n'));
  return file;
};

const assetsOf = (tenant: string) =>
  repository.withSession(adminUser, async (session) => {
    const overlay = createOverlayResolver({ repository });
    return createSettings({ overlay }).read(session, await overlay.tenant(session, tenant), maxAssets);
  });

const importAll = async () => (await keeper.importAll()).flatMap(({ problems }) => problems);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'satchel-settings-'));
  await mkdir(join(folder, 'overlay', 'conf'), { recursive: true });
  await mkdir(join(folder, 'overlay', 'apps'), { recursive: true });
  repository = await openRepository(
    { nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() },
    { contentRules: [settingsRule] },
  );
  await bootstrapRepository(repository);
  logged = [];
  const log = pino({ level: 'warn' }, { write: (line) => void logged.push(JSON.parse(line) as (typeof logged)[0]) });
  keeper = createContentKeeper({
    repository,
    overlay: createOverlayResolver({ repository }),
    registry: createStepRegistry(),
    mounts: contentMounts(join(folder, 'package'), [join(folder, 'overlay')]),
    log,
  });
  onTestFinished(async () => {
    await keeper.close();
    await repository.close();
    await rm(folder, { recursive: true, force: true });
  });
});

describe('a content file with a wrong setting', () => {
  it('keeps its last good version in force, names file and line, and keeps no other file back', async () => {
    await write('conf/aurora/settings/dam/download', '{ "maxAssets": 7 }');
    expect(await importAll()).toEqual([]);
    const file = await write(
      'conf/aurora/settings/dam/download',
      '{',
      '  "maxBytes": 5,',
      '  "maxAssets": "many"',
      '}',
    );
    await write('conf/brand/settings/dam/download', '{ "maxAssets": "9" }');
    const problem = '"maxAssets" must be a whole number, it is "many"';
    expect(await importAll()).toEqual([{ file, line: 3, message: `/conf/aurora/settings/dam/download: ${problem}` }]);
    expect(await assetsOf('aurora')).toMatchObject({ value: 7, layer: '/conf/aurora' });
    expect(await assetsOf('brand')).toMatchObject({ value: 9 });
    expect(logged.filter(({ level }) => level === 50).map(({ msg }) => msg)).toEqual([
      `${file}:3: /conf/aurora/settings/dam/download: ${problem}; the last good version stays in force`,
    ]);
    await write('conf/aurora/settings/dam/download', '{ "maxAssets": 8 }');
    expect(await importAll()).toEqual([]);
    expect(await assetsOf('aurora')).toMatchObject({ value: 8 });
  });

  it('is named by the line of the property in a document of many nodes', async () => {
    const file = await write(
      'apps/settings',
      '{',
      '  "dam": {',
      '    "download": {',
      '      "maxAssets": 5 },',
      '    "imagepresets": { "banner": {',
      '      "width": 400,',
      '      "height": "high"',
      '    } } } }',
    );
    expect(await importAll()).toMatchObject([{ file, line: 7 }]);
  });

  it('says of a name that is no setting what was meant, and imports the rest', async () => {
    const file = await write('conf/aurora/settings/dam/download', '{', '  "maxAsets": 3,', '  "maxAssets": 4', '}');
    const near = await write('conf/aurora/settings/dam/downlod', '{ "maxAssets": 3 }');
    await write('conf/aurora/settings/dam/cfm', '{ "anything": 3 }');
    expect(await importAll()).toEqual([]);
    expect(await assetsOf('aurora')).toMatchObject({ value: 4 });
    expect(logged.map(({ msg }) => msg).sort()).toEqual(
      [
        `${file}:2: /conf/aurora/settings/dam/download: "maxAsets" is no setting of dam/download; did you mean "maxAssets"?`,
        `${near}:1: /conf/aurora/settings/dam/downlod: "maxAssets" is no setting: there is no dam/downlod; did you mean "dam/download"?`,
      ].sort(),
    );
  });

  it('is in force without a restart when its file changes', async () => {
    await write('conf/aurora/settings/dam/download', '{ "maxAssets": 7 }');
    await importAll();
    await keeper.watch();
    await write('conf/aurora/settings/dam/download', '{ "maxAssets": 6 }');
    await expect.poll(async () => (await assetsOf('aurora')).value, { timeout: 20_000 }).toBe(6);
  });
});
