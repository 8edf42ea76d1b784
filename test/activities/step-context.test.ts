import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { planDownloadStep } from '../../activities/dam/plan-download.js';
import { defineStep } from '../../activities/define-step.js';
import { idempotencyKeyOf } from '../../activities/step-context.js';
import { openDownloadJob } from '../../dam/download-job-store.js';
import { mergeMetadata, metadataChanges } from '../../workflows/contract/metadata.js';
import type { StepInput } from '../../workflows/contract/model.js';
import { openWorld, picture, type World } from '../dam/support/world.js';

const workflow: StepInput['workflow'] = {
  id: 'run-2',
  model: 'test/model',
  modelVersion: '1',
  request: '/var/workflow/requests/run-2',
  payload: '/content/dam',
  tenant: 'global',
  initiator: 'ada',
};
const step: StepInput['step'] = {
  name: 'a/b',
  id: 'test/b',
  major: 1,
  title: 'B',
  config: {},
  layer: '/libs',
};

describe('the idempotency key', () => {
  it.each([
    { title: 'names run and step', input: { step, workflow }, key: 'run-2/a/b' },
    { title: 'names the chunk', input: { step, workflow, chunk: { index: 3, count: 9 } }, key: 'run-2/a/b/3' },
    { title: 'names a second visit', input: { step: { ...step, visit: 2 }, workflow }, key: 'run-2/a/b~2' },
    {
      title: 'is that of the run which a retry repeats',
      input: { step, workflow: { ...workflow, keysOf: 'run-1' } },
      key: 'run-1/a/b',
    },
  ])('$title', ({ input, key }) => {
    expect(idempotencyKeyOf(input)).toBe(key);
  });
});

describe('changes of the metadata map', () => {
  it('set, replace and remove, whatever the names', () => {
    const before = { a: 1, b: [1], c: 3 };
    const changes = JSON.parse('{"a":2,"c":null,"__proto__":{"odd":true}}') as Record<string, never>;
    const after = mergeMetadata(before, changes);
    expect(JSON.stringify(after)).toBe('{"a":2,"b":[1],"__proto__":{"odd":true}}');
    expect(mergeMetadata(before, metadataChanges(before, after))).toEqual(after);
  });
});

describe('a step of a tree', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());

  it('leaves values in the metadata map, and is told when they are too many', async () => {
    const set = defineStep({
      id: 'test/set',
      title: 'Set',
      description: 'Sets a value.',
      config: z.object({}),
      result: z.undefined(),
      examples: [],
      run: ({ setMetadata, metadata }) => {
        expect(metadata).toEqual({});
        setMetadata('approved', true);
        expect(() => setMetadata('text', 'x'.repeat(17_000))).toThrow(/more than 16384/);
        expect(() => setMetadata('', 1)).toThrow(/no name/);
        return Promise.resolve(undefined);
      },
    });
    const [output] = await world.run(set, '/content/dam');
    expect(output?.metadata).toEqual({ approved: true });
  });

  it('keeps its outcomes apart from those of every other step and visit, in the order they came', async () => {
    await world.addAssets({ '/content/dam/one.jpg': await picture(1) });
    const payload = await world.request({ paths: ['/content/dam/one.jpg'] });
    await world.run(planDownloadStep, payload);
    const places = [
      { name: 'z' },
      { name: 'a/b' },
      { name: 'a%2Fb' },
      { name: 'a/b', visit: 2 },
      { name: 'a/b~2' },
      { name: 'ü/'.repeat(120) },
    ];
    for (const [index, place] of places.entries()) {
      const seen = await world.repository.withSession({ service: 'workflow' }, async (session) => {
        const job = await openDownloadJob(session, payload, { step: { ...place, id: `test/step-${index}` } });
        const [entry] = await job.entries();
        const blob = await job.createBlob(Buffer.from(`step ${index}`));
        await job.recordOutcomes([{ index: 0, blob }]);
        return entry?.replacedBy;
      });
      expect(seen).toEqual(places.slice(0, index).map((_, before) => `test/step-${before}`));
    }
  });
});
