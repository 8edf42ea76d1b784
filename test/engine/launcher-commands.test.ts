import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from '../cli/command-world.js';

const good = { events: ['changed'], glob: '/content/dam', model: 'dam/update-renditions' };
const files: Readonly<Record<string, object>> = {
  'conf/global/settings/workflow/launchers/changed': good,
  'conf/global/settings/workflow/launchers/broken': { ...good, glob: '/content/dam(' },
  'conf/global/settings/workflow/launchers/unknown': { ...good, model: 'dam/no-such-model' },
  'conf/aurora/settings/workflow/launchers/dam-update-renditions': { enabled: true },
};

let world: CommandWorld;
beforeAll(async () => {
  world = await createCommandWorld(async (folder) => {
    for (const [name, properties] of Object.entries(files)) {
      const file = path.join(folder, 'overlay', name, '.content.json');
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify({ 'jcr:primaryType': 'satchel:WorkflowLauncher', ...properties }, null, 2));
    }
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data', 'satchel.json'), JSON.stringify({ overlays: ['../overlay'] }));
  });
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/dam/a.jpg', { primaryType: 'dam:Asset' }, 'sling:Folder');
    await session.ensureNode('/content/dam/a.jpg/jcr:content', { primaryType: 'dam:AssetContent' });
    await session.save();
  });
});
afterAll(() => world.close());

describe('content files', () => {
  it('of launchers are checked before they come into force, with file and line', () => {
    const problems = world.satchel.contentReports.flatMap((report) => report.problems);
    const root = path.join(world.folder, 'overlay/conf/global/settings/workflow/launchers');
    expect(problems.map(({ file, line, message }) => `${file}:${line}: ${message}`)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(`^${root}/broken/.content.json:6: .*"glob" is no regular expression at character 14`),
        expect.stringMatching(`^${root}/unknown/.content.json:1: .*no workflow model "dam/no-such-model"`),
      ]),
    );
    expect(problems.map(({ message }) => message)).toHaveLength(2);
  });
});

it('a save of a launcher with a wrong property is refused', async () => {
  await expect(
    world.satchel.repository.withSession(adminUser, async (session) => {
      const properties = { ...good, events: ['created'] };
      await session.ensureNode('/conf/global/settings/workflow/launchers/x', {
        primaryType: 'satchel:WorkflowLauncher',
        properties,
      });
      await session.save();
    }),
  ).rejects.toThrow(/launchers\/x\/events names the event "created"; there are added, changed, removed, moved/);
});

describe('satchel launcher', () => {
  it('list shows what a tenant has, and from which layer', async () => {
    expect((await world.run('launcher', 'list')).stdout.split('\n').map((line) => line.split(/\s{2,}/))).toEqual([
      ['LAUNCHER', 'MODEL', 'EVENTS', 'PATHS', 'LAYER'],
      ['dam-update-renditions', 'off', 'dam/update-renditions', 'added', '/content/dam', '/libs'],
      ['changed', 'enabled', 'dam/update-renditions', 'changed', '/content/dam', '/conf/global'],
      [''],
    ]);
    expect(await world.json('launcher', 'list', '--tenant', 'aurora')).toMatchObject({
      code: 0,
      document: {
        tenant: 'aurora',
        launchers: [
          {
            name: 'dam-update-renditions',
            enabled: true,
            layers: ['/libs', '/conf/aurora'],
            nodetype: 'dam:Asset',
            excludeList: ['event-user-data:changedByWorkflowProcess'],
          },
          { name: 'changed' },
        ],
        problems: [],
      },
    });
  });

  it('test says what would start, and why not the others', async () => {
    const { code, stdout } = await world.run('launcher', 'test', '/content/dam/a.jpg');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      '/content/dam/a.jpg added, tenant global',
      'dam-update-renditions: does not start',
      '  it is not enabled',
      'changed: does not start',
      '  it is about nodes changed, not added',
      '',
    ]);
    const changed = await world.run('launcher', 'test', '/content/dam/a.jpg', '--event', 'changed');
    expect(changed.stdout).toContain('changed: starts dam/update-renditions');
    expect(await world.run('launcher', 'test', '/content/dam/none')).toMatchObject({ code: 2 });
    expect(await world.run('launcher', 'test', '/content/dam/a.jpg', '--event', 'created')).toMatchObject({ code: 2 });
  });

  it('status is for administrators, and says that nobody follows here', async () => {
    expect(await world.json('launcher', 'status')).toMatchObject({
      code: 0,
      document: { following: false, behind: { commits: 0 }, launched: 0, waitingRequests: 0, problems: [] },
    });
    await world.run('user', 'add', 'eve');
    expect(await world.json('launcher', 'status', '--as', 'eve')).toMatchObject({
      code: 2,
      document: { error: { code: 'NOT_ALLOWED' } },
    });
  });
});
