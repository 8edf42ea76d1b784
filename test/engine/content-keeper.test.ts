import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { createStepRegistry } from '../../activities/registry.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { createContentKeeper, type ContentKeeper } from '../../engine/content-keeper.js';
import { contentMounts } from '../../engine/content-mounts.js';
import { loadModel } from '../../engine/model-loader.js';
import { adminUser, type Repository } from '../../repository/api.js';
import type { ContentImportReport } from '../../repository/content/import-content-folder.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { openRepository } from '../../repository/repository.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

const registry = createStepRegistry();
for (const id of ['test/one', 'test/two']) {
  const none = { title: id, description: '', result: z.null(), examples: [], run: () => Promise.resolve(null) };
  registry.register(defineStep({ ...none, id, config: z.strictObject({}) }), `${id}.ts`);
}

let folder: string;
let repository: Repository;
let keeper: ContentKeeper;
let reports: ContentImportReport[];

const model = (...steps: string[]) =>
  JSON.stringify(
    {
      'jcr:primaryType': 'satchel:WorkflowModel',
      ...Object.fromEntries(
        steps.map((step) => [step.split('/')[1], { 'jcr:primaryType': 'satchel:WorkflowStep', step }]),
      ),
    },
    undefined,
    2,
  );

const write = async (path: string, text: string) => {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

const stepsFor = (tenant: string) =>
  repository.withSession(adminUser, async (session) => {
    const overlay = createOverlayResolver({ repository });
    const loaded = await loadModel({ overlay, registry }, session, await overlay.tenant(session, tenant), 'test/model');
    return loaded.model.steps.map(({ name }) => name);
  });

const base = 'package/workflows/models/test/model/.content.json';
const brand = 'overlay/conf/brand/settings/workflow/models/test/model/.content.json';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'satchel-content-'));
  repository = await openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() });
  await bootstrapRepository(repository);
  await write(base, model('test/one'));
  await write(brand, model('test/two'));
  reports = [];
  const mounts = contentMounts(join(folder, 'package'), [join(folder, 'overlay')]);
  const overlay = createOverlayResolver({ repository });
  const log = pino({ level: 'silent' });
  keeper = createContentKeeper({
    repository,
    overlay,
    registry,
    mounts,
    log,
    onReport: (report) => void reports.push(report),
  });
  onTestFinished(async () => {
    await keeper.close();
    await repository.close();
    await rm(folder, { recursive: true, force: true });
  });
});

describe('content folders', () => {
  it('are put where they belong, the product’s below what overlays it', async () => {
    await keeper.importAll();
    expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
    expect(await stepsFor('global')).toEqual(['one']);
    expect(await stepsFor('brand')).toEqual(['one', 'two']);
    reports.length = 0;
    await keeper.importAll();
    expect(reports).toEqual([]);
  });

  it('keep the last good version of a model that does not validate, for any tenant, and name file and line', async () => {
    await keeper.importAll();
    const file = await write(base, model('test/one', 'test/none'));
    const problems = (await keeper.importAll()).flatMap((report) => report.problems);
    expect(problems).toMatchObject([{ file, message: expect.stringContaining('names the step test/none') as string }]);
    expect(problems[0]?.line).toBe(7);
    expect(await stepsFor('global')).toEqual(['one']);
  });

  it('keep the last good version of a model whose condition, goto or branch is wrong, each at its line', async () => {
    await keeper.importAll();
    const file = await write(
      base,
      `{
  "jcr:primaryType": "satchel:WorkflowModel",
  "decision": {
    "jcr:primaryType": "satchel:WorkflowOrSplit",
    "yes": {
      "jcr:primaryType": "satchel:WorkflowBranch",
      "condition": "metdata.approved",
      "one": { "jcr:primaryType": "satchel:WorkflowStep", "step": "test/one" }
    },
    "no": { "jcr:primaryType": "satchel:WorkflowBranch" }
  },
  "again": { "jcr:primaryType": "satchel:WorkflowGoto", "target": "descision" }
}`,
    );
    const problems = (await keeper.importAll()).flatMap((report) => report.problems);
    expect(problems.map(({ line, message }) => [line, message])).toEqual([
      [5, expect.stringContaining('unknown variable "metdata"; did you mean "metadata"?')],
      [10, expect.stringContaining('/decision/no has no steps')],
      [12, expect.stringContaining('did you mean "decision"?')],
    ]);
    expect(new Set(problems.map((problem) => problem.file))).toEqual(new Set([file]));
    expect(await stepsFor('global')).toEqual(['one']);
  });

  it('keep the last good version of a model that another one contains and could not run with any more', async () => {
    await write(
      'package/workflows/models/test/outer/.content.json',
      JSON.stringify({
        'jcr:primaryType': 'satchel:WorkflowModel',
        inner: { 'jcr:primaryType': 'satchel:WorkflowContainer', model: 'test/model' },
      }),
    );
    await keeper.importAll();
    const containing = {
      'jcr:primaryType': 'satchel:WorkflowModel',
      outer: { 'jcr:primaryType': 'satchel:WorkflowContainer', model: 'test/outer' },
    };
    const file = await write(base, JSON.stringify(containing));
    const problems = (await keeper.importAll()).flatMap((report) => report.problems);
    expect(problems).not.toEqual([]);
    expect(problems.every((problem) => problem.file === file)).toBe(true);
    expect(problems[0]?.message).toContain('contains itself: test/model → test/outer → test/model');
    expect(await stepsFor('global')).toEqual(['one']);
  });

  it('take effect when a file changes, without a restart', async () => {
    await keeper.importAll();
    await keeper.watch();
    await write(base, model('test/two', 'test/one'));
    await expect.poll(() => stepsFor('global'), { timeout: 20_000 }).toEqual(['two', 'one']);
  });
});
