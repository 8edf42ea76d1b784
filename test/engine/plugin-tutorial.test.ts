/** The tutorial of docs/plugins.md, followed to the letter: its commands and its files, nothing else. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine, JobView } from '../../engine/api.js';
import { readConfiguration } from '../../engine/configuration.js';
import { createContentKeeper } from '../../engine/content-keeper.js';
import { contentMounts } from '../../engine/content-mounts.js';
import { loadPlugin, registerPlugin } from '../../engine/plugins.js';
import { packageRoot } from '../../package-root.js';
import { adminUser } from '../../repository/api.js';
import { pluginNew } from '../cli/plugin-new.js';
import { useTemporalServer } from '../support/temporal.js';
import { readTutorial, writeFiles, type TutorialSection } from '../support/tutorial.js';
import { createWorld, type World } from './engine-world.js';

const linesIn = ({ files }: TutorialSection): number =>
  Object.values(files).reduce((sum, text) => sum + text.trimEnd().split('\n').length, 0);

const server = useTemporalServer();
const log = pino({ level: 'silent' });
let folder: string;
let world: World;
let engine: Engine;

const write = async (section: TutorialSection) => writeFiles(folder, section);

async function importContent(overlays: readonly string[]): Promise<void> {
  const { repository, registry, services } = world;
  const mounts = contentMounts(packageRoot, overlays);
  const reports = await createContentKeeper({
    repository,
    overlay: services.overlay,
    registry,
    mounts,
    log,
  }).importAll();
  expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
}

async function download(content: string): Promise<JobView> {
  const { id } = await engine.requestDownload('ada', { paths: [content] });
  let last: JobView | undefined;
  for await (const view of engine.follow('ada', id, new AbortController().signal)) last = view;
  return last ?? expect.fail('nothing followed');
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'satchel-tutorial-'));
  world = await createWorld();
  engine = await world.createEngine({ address: server().address });
  await engine.start();
  for (const brand of ['aurora', 'plain'])
    for (const name of ['a.jpg', 'b.jpg', 'c.txt'])
      await world.addAsset(`/content/dam/${brand}/${name}`, `${brand} ${name}`);
  await world.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/conf/aurora/settings', { primaryType: 'sling:Folder' }, 'sling:Folder');
    await session.setProperties('/content/dam/aurora', { 'sling:configRef': '/conf/aurora' });
    await session.save();
  });
}, 240_000);

afterAll(async () => {
  await engine.close();
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

describe('docs/plugins.md', () => {
  it('leads from "satchel plugin new" to a step in one tenant’s running workflow, with at most 25 lines by hand', async () => {
    const section = await readTutorial('Your first plugin');
    expect(linesIn(section)).toBeLessThanOrEqual(25);
    expect(linesIn(section)).toBeGreaterThan(5);
    const [first = ''] = section.commands;
    expect(first).toBe('satchel plugin new acme-count');
    expect(await pluginNew(folder, first.split(' ').at(-1) ?? '')).toMatchObject({ code: 0 });
    await write(section);

    const { plugins } = await readConfiguration(path.join(folder, 'data'), {});
    const loaded = await Promise.all(plugins.map(async (plugin) => loadPlugin(plugin)));
    for (const plugin of loaded) registerPlugin(world.registry, plugin);
    await importContent(loaded.flatMap(({ overlays }) => overlays));

    const job = await download('/content/dam/aurora');
    expect(job.state).toBe('completed');
    const names = job.steps.map(({ name }) => name);
    expect(names.indexOf('count')).toBe(names.indexOf('package') - 1);
    expect(job.steps.find(({ name }) => name === 'count')).toMatchObject({
      title: 'Count the photographs',
      layer: '/conf/aurora',
      result: { files: 2 },
    });
    expect((await download('/content/dam/plain')).steps.map(({ name }) => name)).not.toContain('count');
  });

  it('takes a step out for one tenant with one file', async () => {
    const section = await readTutorial('Removing a step for one tenant');
    expect(linesIn(section)).toBeLessThanOrEqual(25);
    await write(section);
    const before = await download('/content/dam/plain');
    await importContent([path.join(folder, 'acme-count/overlays'), path.join(folder, 'brand')]);
    const job = await download('/content/dam/aurora');
    expect(job.state).toBe('completed');
    expect(job.mails).toEqual([]);
    expect(job.steps.map(({ name }) => name)).not.toContain('notify');
    expect(before.steps.map(({ name }) => name)).toContain('notify');
  });

  it('makes downloads of one tenant wait for an approval before they are packed', async () => {
    const section = await readTutorial('An approval before packaging');
    expect(linesIn(section)).toBeLessThanOrEqual(25);
    await write(section);
    await importContent([path.join(folder, 'acme-count/overlays'), path.join(folder, 'approval')]);
    const { id } = await engine.requestDownload('ada', { paths: ['/content/dam/aurora'] });
    const item = await vi.waitFor(
      async () => (await engine.inbox('bob')).items[0] ?? expect.fail('nothing to approve'),
      {
        timeout: 60_000,
      },
    );
    expect(item).toMatchObject({ title: 'Approve the download' });
    const waiting = await engine.job('ada', id);
    expect(waiting.steps.find(({ name }) => name === 'package')?.state).toBe('waiting');
    await engine.completeWorkItem('bob', item.id);
    let last: JobView | undefined;
    for await (const view of engine.follow('ada', id, new AbortController().signal)) last = view;
    expect(last?.state).toBe('completed');
  });
});
