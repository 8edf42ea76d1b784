/** A running `satchel start` goes by settings that other processes and editors change. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DownloadPlan } from '../../workflows/contract/plan.js';
import { createSatchelWorld, type SatchelWorld } from './support/satchel-world.js';

let world: SatchelWorld;
const brand = () => path.join(world.folder, 'overlays/conf/brand/settings/dam/download/.content.json');
const satchel = (...args: string[]) => world.satchel.json(args);
const plan = () => world.satchel.json(['download', '/content/dam/brand', '--plan', '--as', 'mara'], [0, 2]);

beforeAll(async () => {
  world = await createSatchelWorld();
  await mkdir(path.dirname(brand()), { recursive: true });
  await mkdir(world.dataFolder, { recursive: true });
  await writeFile(brand(), '{ "maxBytes": 100000 }\n');
  await writeFile(path.join(world.dataFolder, 'satchel.json'), JSON.stringify({ overlays: ['../overlays'] }));
  const files = ['a.txt', 'b.txt'].map((name) => path.join(world.folder, name));
  for (const file of files) await writeFile(file, file);
  await world.start();
  await satchel('user', 'add', 'mara', '--group', 'dam-users');
  await satchel('tenant', 'create', 'brand', '--content', '/content/dam/brand', '--create-folders');
  await satchel('upload', ...files, '--to', '/content/dam/brand', '--no-wait');
});
afterAll(async () => world.close());

describe('a running satchel', () => {
  it('applies a limit that a command writes into a file, and one that a person writes there', async () => {
    expect(((await plan()) as DownloadPlan).limits).toMatchObject({
      assets: { value: 500, layer: '/libs' },
      bytes: { value: 100_000, layer: '/conf/brand' },
    });
    expect(await satchel('settings', 'set', 'maxAssets', '1', '--tenant', 'brand')).toMatchObject({
      written: { to: 'file', file: brand() },
    });
    expect(JSON.parse(await readFile(brand(), 'utf8'))).toEqual({ maxBytes: 100_000, maxAssets: 1 });
    expect(await plan()).toMatchObject({ error: { code: 'LIMIT_EXCEEDED' } });

    await writeFile(brand(), '{ "maxBytes": 100000, "maxAssets": "2" }\n');
    await expect
      .poll(plan, { timeout: 60_000, interval: 200 })
      .toMatchObject({ limits: { assets: { value: 2, tenant: 'brand', layer: '/conf/brand' } } });
  });
});
