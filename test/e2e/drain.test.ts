/** Ending a process that works: steps that run end or are handed back, nothing is lost, and a second signal insists. */
import { writeFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { JobView } from '../../engine/api.js';
import {
  createRecorder,
  saveRequests,
  visibleKeys,
  type Recorder,
  type RecorderOptions,
} from './support/recording-steps.js';
import { startChild, type SatchelChild } from './support/satchel-child.js';
import { createSatchelWorld, type SatchelWorld } from './support/satchel-world.js';

let world: SatchelWorld | undefined;
const children = new Set<SatchelChild>();

afterEach(async () => {
  for (const child of children) await child.kill();
  children.clear();
  await world?.close();
});

interface Scene {
  readonly recorder: Recorder;
  readonly id: string;
  readonly start: () => Promise<SatchelChild>;
  readonly end: () => Promise<JobView>;
  readonly visible: () => Promise<string[]>;
}

/** One request for three remote steps, saved. */
async function prepare(options: RecorderOptions, drainSeconds: number): Promise<Scene> {
  const made = (world = await createSatchelWorld());
  const { folder, dataFolder, satchel } = made;
  const recorder = await createRecorder(path.join(folder, 'recorder'), options);
  await mkdir(dataFolder);
  await writeFile(
    path.join(dataFolder, 'satchel.json'),
    JSON.stringify({ plugins: [recorder.plugin], worker: { drainSeconds } }),
  );
  const [id = ''] = await saveRequests(dataFolder, ['record/remote']);
  return {
    recorder,
    id,
    async start() {
      const child = await startChild(dataFolder, ['start', '--port', '0']);
      children.add(child);
      return child;
    },
    end: async () => (await satchel.json(['jobs', 'follow', id])) as JobView,
    visible: () => made.readRepository(visibleKeys),
  };
}

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error(`Within a minute there was no ${what}.`);
    await wait(5);
  }
}

describe('SIGTERM', () => {
  it('lets a running step end, and leaves the next one to the next process', async () => {
    const { recorder, id, start, end, visible } = await prepare({ ms: 1_000 }, 60);
    const [one, two, three] = ['one', 'two', 'three'].map((name) => `${id}/${name}`);
    const first = await start();
    await until('execution', async () => (await recorder.executions()).length > 0);
    first.process.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    expect(await visible()).toEqual([one]);

    const second = await start();
    expect((await end()).state).toBe('completed');
    second.process.kill('SIGTERM');
    await second.ended;
    expect(await recorder.executions()).toEqual([one, two, three]);
    expect(new Set(await visible())).toEqual(new Set([one, two, three]));
  });

  it('hands back a step that takes longer, and the next process begins it again', async () => {
    const { recorder, id, start, end, visible } = await prepare({ hold: 'until-stopped' }, 0.2);
    const first = await start();
    await until('execution', async () => (await recorder.executions()).length > 0);
    first.process.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    expect(await visible()).toEqual([]);

    const second = await start();
    await until('second execution', async () => (await recorder.executions()).length > 1);
    await recorder.release();
    expect((await end()).state).toBe('completed');
    second.process.kill('SIGTERM');
    await second.ended;
    const [one, two, three] = ['one', 'two', 'three'].map((name) => `${id}/${name}`);
    expect(await recorder.executions()).toEqual([one, one, two, three]);
    expect(new Set(await visible())).toEqual(new Set([one, two, three]));
  });

  it('ends a process even when a step does not listen; its step is begun again', async () => {
    const { recorder, start, end } = await prepare({ hold: 'deaf' }, 0);
    const first = await start();
    await until('execution', async () => (await recorder.executions()).length > 0);
    first.process.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    await recorder.release();
    await start();
    expect((await end()).state).toBe('completed');
  });

  it('ends a process at once when it comes a second time; nothing is lost', async () => {
    const { recorder, start, end } = await prepare({ hold: 'deaf' }, 3600);
    const first = await start();
    await until('execution', async () => (await recorder.executions()).length > 0);
    first.process.kill('SIGTERM');
    first.process.kill('SIGINT');
    expect(await first.ended).toEqual({ code: 130, signal: null });
    await recorder.release();
    await start();
    expect((await end()).state).toBe('completed');
  });
});
