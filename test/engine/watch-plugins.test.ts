import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createStepRegistry } from '../../activities/registry.js';
import { loadPlugin, registerPlugin } from '../../engine/plugins.js';
import { watchPlugins } from '../../engine/watch-plugins.js';

const source = (title: string) => `
  import { defineStep, z } from 'satchel/sdk';
  export const step = defineStep({
    id: 'acme/greet', title: '${title}', description: '', config: z.strictObject({}), result: z.null(),
    examples: [], run: async () => null,
  });
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'satchel-watch-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('takes a changed step over, keeps the last good one when the change does not load, and recovers', async () => {
  const file = join(folder, 'greet.ts');
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'acme', type: 'module', satchel: { apiVersion: 1, steps: ['greet.ts'] } }),
  );
  await writeFile(file, source('Hello'));
  const registry = createStepRegistry();
  const plugin = await loadPlugin(folder);
  registerPlugin(registry, plugin);
  const problems: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void problems.push(line) });
  const watching = watchPlugins({ plugins: [plugin], registry, log });
  const title = () => registry.newest('acme/greet')?.title;
  try {
    await watching.ready;
    await writeFile(file, source('Good day'));
    await vi.waitFor(() => expect(title()).toBe('Good day'), { timeout: 10_000 });

    await writeFile(file, 'export const step = {');
    await vi.waitFor(() => expect(problems.join('')).toContain('greet.ts:1'), { timeout: 10_000 });
    expect(title()).toBe('Good day');

    await writeFile(file, source('Welcome back'));
    await vi.waitFor(() => expect(title()).toBe('Welcome back'), { timeout: 10_000 });
  } finally {
    await watching.close();
  }
});
