import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { createStepRegistry } from '../../activities/registry.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { loadModel } from '../../engine/model-loader.js';
import type { ModelProblem } from '../../engine/models/problems.js';
import { adminUser, type Session } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { openRepository } from '../../repository/repository.js';
import type { PropertyInput } from '../../repository/value.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

const none = { title: '', description: '', result: z.null(), examples: [], run: () => Promise.resolve(null) };
const nothing = z.strictObject({});
const registry = createStepRegistry();
registry.register(defineStep({ ...none, id: 'test/plain', title: 'Plain', config: nothing }), 'plain.ts');
registry.register(defineStep({ ...none, id: 'test/quick', title: 'Quick', config: nothing, local: true }), 'quick.ts');
registry.register(
  defineStep({
    ...none,
    id: 'test/many',
    title: 'Many',
    config: nothing,
    chunks: () => Promise.resolve(1),
    parallel: 4,
  }),
  'many.ts',
);
const sized = z.strictObject({
  width: z.int().default(100),
  names: z.array(z.string()).default([]),
  deep: z.record(z.string(), z.boolean()).optional(),
});
for (const major of [1, 2]) {
  registry.register(
    defineStep({ ...none, id: 'test/sized', title: 'Sized', config: sized, major }),
    `sized-${major}.ts`,
  );
}

interface Tree {
  readonly [name: string]: PropertyInput | Tree;
}
const isTree = (value: PropertyInput | Tree): value is Tree =>
  typeof value === 'object' && !Array.isArray(value) && !('values' in value);

async function addTree(session: Session, path: string, tree: Tree, primaryType?: string): Promise<void> {
  const properties = Object.fromEntries(
    Object.entries(tree).filter((entry): entry is [string, PropertyInput] => !isTree(entry[1])),
  );
  await session.ensureNode(path, primaryType === undefined ? {} : { primaryType }, 'sling:Folder');
  await session.setProperties(path, properties);
  for (const [name, child] of Object.entries(tree)) {
    if (!isTree(child)) continue;
    await addTree(
      session,
      `${path}/${name}`,
      child,
      primaryType === 'satchel:WorkflowModel' ? 'satchel:WorkflowStep' : undefined,
    );
  }
}

/** Models by layer: `{ '/libs': { 'test/model': {…} } }`. */
async function load(
  layers: Readonly<Record<string, Readonly<Record<string, Tree>>>>,
  id = 'test/model',
  tenant = 'aurora',
  transientSettings: Readonly<Record<string, boolean>> = {},
) {
  const repository = await openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() });
  onTestFinished(() => repository.close());
  await bootstrapRepository(repository);
  const overlay = createOverlayResolver({ repository });
  const session = await repository.login(adminUser);
  onTestFinished(() => session.close());
  await session.ensureNode('/conf/aurora/settings', { primaryType: 'sling:Folder' }, 'sling:Folder');
  await session.ensureNode('/conf/aurora/settings/workflow/transient', { properties: transientSettings });
  for (const [layer, models] of Object.entries(layers)) {
    for (const [name, tree] of Object.entries(models)) {
      await addTree(session, `${layer}/settings/workflow/models/${name}`, tree, 'satchel:WorkflowModel');
    }
  }
  await session.save();
  return loadModel({ overlay, registry }, session, await overlay.tenant(session, tenant), id);
}

async function problemsOf(model: Tree): Promise<string[]> {
  const error = await load({ '/libs': { 'test/model': model } }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SatchelError);
  expect(error).toMatchObject({ code: 'INVALID_MODEL' });
  return ((error as SatchelError).details['problems'] as ModelProblem[]).map(
    ({ path, problem }) => `${path} ${problem}`,
  );
}
const root = '/libs/settings/workflow/models/test/model';

describe('loadModel', () => {
  it('pins steps in order, with the step’s defaults and the node’s own settings', async () => {
    const { model, path } = await load({
      '/libs': {
        'test/model': {
          'jcr:title': 'A model',
          first: { step: 'test/sized', config: { width: 320, names: ['a', 'b'], deep: { flag: true } } },
          second: { step: 'test/sized', major: 1, 'jcr:title': 'Older', timeoutSeconds: 30, maximumAttempts: 1 },
          third: { step: 'test/quick' },
          fourth: { step: 'test/many', parallel: 3 },
        },
      },
    });
    expect(path).toBe(root);
    expect(model).toMatchObject({ id: 'test/model', title: 'A model', transient: false, layers: ['/libs'] });
    expect(model.version).toMatch(/^[0-9a-f]{64}$/);
    const common = {
      layer: '/libs',
      local: false,
      chunked: false,
      parallel: 2,
      timeoutSeconds: 600,
      maximumAttempts: 5,
    };
    expect(model.steps).toEqual([
      {
        ...common,
        name: 'first',
        id: 'test/sized',
        major: 2,
        title: 'Sized',
        config: { deep: { flag: true }, names: ['a', 'b'], width: 320 },
      },
      {
        ...common,
        name: 'second',
        id: 'test/sized',
        major: 1,
        title: 'Older',
        config: {},
        timeoutSeconds: 30,
        maximumAttempts: 1,
      },
      { ...common, name: 'third', id: 'test/quick', major: 1, title: 'Quick', config: {}, local: true },
      { ...common, name: 'fourth', id: 'test/many', major: 1, title: 'Many', config: {}, chunked: true, parallel: 3 },
    ]);
  });

  it('takes a tenant’s added step and changed property from its layer, and gives it another version', async () => {
    const base = { one: { step: 'test/sized', config: { width: 1 } }, two: { step: 'test/plain' } };
    const plain = await load({ '/libs': { 'test/model': base } });
    const { model } = await load({
      '/libs': { 'test/model': base },
      '/conf/aurora': {
        'test/model': { one: { config: { width: 2 } }, between: { step: 'test/quick', 'sling:orderBefore': 'two' } },
      },
    });
    expect(model.steps.map(({ name, layer }) => [name, layer])).toEqual([
      ['one', '/libs'],
      ['between', '/conf/aurora'],
      ['two', '/libs'],
    ]);
    expect(model.steps[0]).toMatchObject({ config: { width: 2 } });
    expect(model.layers).toEqual(['/libs', '/conf/aurora']);
    expect(model.version).not.toBe(plain.model.version);
    const again = await load({ '/libs': { 'test/model': base } });
    expect(again.model.version).toBe(plain.model.version);
  });

  it('pins the completion model of a transient model, unless it is not to notify', async () => {
    const steps = { only: { step: 'test/plain' } };
    const completion = { 'jcr:title': 'Report', mail: { step: 'test/plain' } };
    const layers = (model: Tree) => ({
      '/libs': {
        'test/model': { ...model, ...steps },
        'test/report': completion,
        'dam/transient-completed': completion,
      },
    });
    const of = async (model: Tree, settings = {}) =>
      (await load(layers(model), 'test/model', 'aurora', settings)).model.completion?.id;
    expect(await of({ transient: true })).toBe('dam/transient-completed');
    expect(await of({ transient: true, completionModel: 'test/report' })).toBe('test/report');
    expect(await of({ transient: true, notifyOnComplete: false })).toBeUndefined();
    expect(await of({ notifyOnComplete: true })).toBeUndefined();
    // What the tenant's setting says counts for a model that says nothing itself.
    expect(await of({ transient: true }, { notifyOnComplete: false })).toBeUndefined();
    expect(await of({ transient: true, notifyOnComplete: true }, { notifyOnComplete: false })).toBeDefined();
  });

  it.each([
    { title: 'no node', layers: {}, id: 'test/model' },
    { title: 'a folder of models', layers: { '/libs': { 'test/model': { a: { step: 'test/plain' } } } }, id: 'test' },
    {
      title: 'what a layer hides',
      layers: {
        '/libs': { 'test/model': { a: { step: 'test/plain' } } },
        '/apps': { 'test/model': { 'sling:hideResource': true } },
      },
      id: 'test/model',
    },
  ])('knows no model where there is $title', async ({ layers, id }) => {
    await expect(load(layers, id)).rejects.toMatchObject({ code: 'UNKNOWN_MODEL' });
  });

  it.each<{ title: string; model: Tree; problem: string }>([
    { title: 'no steps', model: { 'jcr:title': 'Empty' }, problem: `${root} has no steps` },
    { title: 'a step without a name', model: { a: { 'jcr:title': 'x' } }, problem: `${root}/a has no property "step"` },
    {
      title: 'an unknown step',
      model: { a: { step: 'acme/none' } },
      problem: `${root}/a names the step acme/none, which is not loaded`,
    },
    {
      title: 'an unknown major version',
      model: { a: { step: 'test/plain', major: 7 } },
      problem: `${root}/a names the step test/plain@7`,
    },
    {
      title: 'a wrong configuration',
      model: { a: { step: 'test/sized', config: { width: 'wide' } } },
      problem: 'config/width: ',
    },
    {
      title: 'an unknown setting',
      model: { a: { step: 'test/plain', config: { size: 3 } } },
      problem: 'Unrecognized key: "size"',
    },
    {
      title: 'a number out of bounds',
      model: { a: { step: 'test/plain', parallel: 0 } },
      problem: `${root}/a has "parallel" 0, which must be a whole number from 1 to 64`,
    },
    {
      title: 'local for a step that is not',
      model: { a: { step: 'test/plain', local: true } },
      problem: 'asks for "local", which test/plain does not allow',
    },
    {
      title: 'a value JSON cannot hold',
      model: { a: { step: 'test/sized', config: { width: 2n ** 60n } } },
      problem: '"width", a Long',
    },
    {
      title: 'too much configuration',
      model: { a: { step: 'test/sized', config: { names: Array<string>(8000).fill('a name') } } },
      problem: 'more than 65536',
    },
  ])('refuses a model with $title, naming the node', async ({ model, problem }) => {
    expect(await problemsOf(model)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
  });

  it('lists every problem at once', async () => {
    expect(await problemsOf({ a: { step: 'acme/none' }, b: { step: 'test/plain', parallel: 65 } })).toHaveLength(2);
  });
});
