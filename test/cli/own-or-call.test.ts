import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { buildFixture } from './build-fixture.js';

let program: string;
let folder: string;

beforeAll(async () => {
  program = await buildFixture(new URL('fixtures/command-process.ts', import.meta.url));
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'satchel-race-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

async function runProcess(name: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, folder, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, ...output };
}

describe('commands that start at the same time on one data folder', () => {
  it('all run, each exactly once, whoever becomes the owner', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `command-${index}`);
    const results = await Promise.all(names.map(runProcess));
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^command-${index} ran in \\d+\\n$`));
    }
    const store = await createLevelNodeStore({ folder: path.join(folder, 'nodes') });
    const committed: string[] = [];
    for await (const { entry } of store.journal(0)) committed.push(entry);
    await store.close();
    expect(committed.toSorted()).toEqual(names.toSorted());
    expect(await readdir(folder)).toEqual(['nodes']);
  });
});
