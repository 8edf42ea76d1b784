import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineStep, type StepDefinition } from '../../activities/define-step.js';
import { deliverStep } from '../../activities/dam/deliver.js';
import { packageStep } from '../../activities/dam/package.js';
import { testStep, type StepTest } from '../../activities/test-step.js';
import type { JsonValue } from '../../workflows/contract/model.js';

async function run(step: Parameters<typeof testStep>[0], test?: StepTest) {
  const outcome = await testStep(step, test);
  onTestFinished(() => outcome.close());
  return outcome;
}

const define = <Result extends JsonValue>(
  result: z.ZodType<Result>,
  body: StepDefinition<{ word: string }, Result>['run'],
  more: Partial<StepDefinition<{ word: string }, Result>> = {},
) =>
  defineStep({
    id: 'acme/tried',
    title: 'Tried',
    description: '',
    config: z.strictObject({ word: z.string().default('hello') }),
    result,
    examples: [],
    run: body,
    ...more,
  });

describe('a step that is run', () => {
  it('gets its configuration with defaults, sessions with their rights, and tells of its progress', async () => {
    const step = define(
      z.string(),
      async ({ config, session, serviceSession, progress, partial, idempotencyKey, chunk }) => {
        progress({ message: 'half way' });
        partial();
        const own = (await session()).userId;
        const service = (await serviceSession()).userId;
        return [config.word, own, service, idempotencyKey, chunk === undefined].join(' ');
      },
    );
    const { result, partial, progress } = await run(step);
    expect(result).toBe('hello admin workflow test/tried true');
    expect(partial).toBe(true);
    expect(progress).toContainEqual({ message: 'half way' });
  });

  it('may write what its service user may, and no more', async () => {
    const write = (path: string) =>
      define(z.null(), async ({ serviceSession }) => {
        const session = await serviceSession();
        await session.addNode(path);
        await session.save();
        return null;
      });
    const { session } = await run(write('/var/dam/mine'));
    expect(await session.findNode('/var/dam/mine')).toBeDefined();
    await expect(testStep(write('/content/dam/not-mine'))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it('leaves no session open and no temporary folder behind, also when it fails', async () => {
    let folder = '';
    const step = define(z.null(), async ({ tempFolder }) => {
      folder = await tempFolder();
      await writeFile(join(folder, 'file'), 'x');
      throw new Error('failed');
    });
    await expect(testStep(step)).rejects.toThrow('failed');
    await expect(access(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('runs once per chunk, each with a key of its own', async () => {
    const step = define(z.string(), ({ idempotencyKey }) => Promise.resolve(idempotencyKey), {
      chunks: () => Promise.resolve(3),
    });
    expect((await run(step)).result).toEqual(['test/tried/0', 'test/tried/1', 'test/tried/2']);
  });

  it.each([
    {
      title: 'a configuration that does not fit',
      step: define(z.null(), () => Promise.resolve(null)),
      config: { word: 3, more: true },
      code: 'INVALID_STEP_CONFIG',
      message: /tried \(acme\/tried, from \/libs\).*word: .*Unrecognized key/,
    },
    {
      title: 'a result its schema forbids',
      step: define<JsonValue>(z.number() as z.ZodType<JsonValue>, () => Promise.resolve('text')),
      config: {},
      code: 'INVALID_STEP_RESULT',
      message: /expected number/,
    },
    {
      title: 'a result that belongs into the repository',
      step: define(z.array(z.string()), () => Promise.resolve(Array<string>(2000).fill('a line of some length'))),
      config: {},
      code: 'INVALID_STEP_RESULT',
      message: /more than 32768/,
    },
    {
      title: 'chunks that are no number',
      step: define(z.null(), () => Promise.resolve(null), { chunks: () => Promise.resolve(-1) }),
      config: {},
      code: 'INVALID_STEP_RESULT',
      message: /-1 chunks/,
    },
  ])('fails with $code on $title', async ({ step, config, code, message }) => {
    await expect(testStep(step, { config })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('a step of a download', () => {
  const tree = { '/content/dam/texts/a.txt': Buffer.from('first'), '/content/dam/texts/b.txt': Buffer.from('second') };
  const download = { paths: ['/content/dam/texts'] };

  it('finds the download planned, and shows what it made of the entries', async () => {
    const shout = define(z.number(), async ({ download: open }) => {
      const job = await open();
      const outcomes = [];
      for (const { index, blob } of await job.entries()) {
        const text = blob ? Buffer.from(await job.read(blob)).toString() : '';
        outcomes.push({ index, blob: await job.createBlob(Buffer.from(text.toUpperCase())) });
      }
      await job.recordOutcomes(outcomes);
      return outcomes.length;
    });
    const { result, entries, download: job } = await run(shout, { tree, download });
    expect(result).toBe(2);
    const texts = await Promise.all(
      entries.map(async ({ name, blob }) => [name, blob ? Buffer.from(await job().read(blob)).toString() : undefined]),
    );
    expect(texts).toEqual([
      ['a.txt', 'FIRST'],
      ['b.txt', 'SECOND'],
    ]);
    expect(entries.map(({ replacedBy }) => replacedBy)).toEqual([['acme/tried'], ['acme/tried']]);
  });

  it('is the real thing: the built-in steps run so too', async () => {
    const { download: job } = await run(packageStep, { tree, download });
    const archives = await job().archives();
    expect(archives?.parts[0]?.entries.map(({ name }) => name)).toEqual(expect.arrayContaining(['a.txt', 'b.txt']));
  });

  it('says so when it is placed where its download is not', async () => {
    await expect(testStep(deliverStep, { tree })).rejects.toMatchObject({
      code: 'UNKNOWN_JOB',
      message: expect.stringContaining('/content/dam') as string,
    });
    const { download: job } = await run(define(z.null(), () => Promise.resolve(null)));
    expect(job).toThrow(/no download/);
  });
});
