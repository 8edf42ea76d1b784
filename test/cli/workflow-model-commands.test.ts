import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../package-root.js';
import { adminUser, type Session } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
const models = 'settings/workflow/models';

async function change(work: (session: Session) => Promise<unknown>): Promise<void> {
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await work(session);
    await session.save();
  });
}

const typed = (kind: string, properties: Record<string, string | number | boolean> = {}) => ({
  primaryType: `satchel:Workflow${kind}`,
  properties,
});

beforeAll(async () => {
  world = await createCommandWorld();
  await change(async (session) => {
    const base = `/conf/aurora/${models}/dam/download-asset`;
    await session.ensureNode('/conf/aurora/settings', { primaryType: 'sling:Folder' }, 'sling:Folder');
    await session.ensureNode(base, {}, 'sling:Folder');
    await session.addNode(`${base}/approval`, typed('OrSplit', { 'sling:orderBefore': 'package' }));
    await session.addNode(`${base}/approval/yes`, typed('Branch', { condition: 'metadata.approved' }));
    await session.addNode(`${base}/approval/yes/ask`, typed('Participant', { assignee: 'legal' }));
  });
});
afterAll(async () => world.close());

describe('satchel workflow models', () => {
  it('lists id, title, nodes and layers of those a tenant has', async () => {
    const { code, document } = await world.json('workflow', 'models', '--tenant', 'aurora');
    expect(code).toBe(0);
    const download = {
      id: 'dam/download-asset',
      title: 'Download assets',
      nodes: 7,
      layers: ['/libs', '/conf/aurora'],
    };
    expect(document).toMatchObject({
      tenant: 'aurora',
      models: expect.arrayContaining([
        expect.objectContaining({ ...download, transient: false, classic: false, problems: 0 }),
        expect.objectContaining({ id: 'dam/update-renditions', transient: true }),
      ]) as unknown,
    });
    const { stdout } = await world.run('workflow', 'models');
    expect(stdout).toMatch(/^dam\/download-asset +Download assets +5 +\/libs$/m);
    expect(stdout).toMatch(/^dam\/update-renditions .* transient$/m);
  });

  it('prints a schema that takes the models that ship, and refuses what they may not hold', async () => {
    const { document } = await world.json('workflow', 'models', '--schema');
    const server = fastify({
      ajv: { customOptions: { removeAdditional: false, strict: false, validateFormats: false, coerceTypes: false } },
    });
    // Ajv of fastify speaks an older draft, in which nothing of this differs.
    const { $schema: _, ...schema } = document as Record<string, unknown>;
    server.post('/', { schema: { body: schema } }, () => 'taken');
    const status = async (model: object) =>
      (
        await server.inject({
          method: 'POST',
          url: '/',
          payload: { 'jcr:primaryType': 'satchel:WorkflowModel', ...model },
        })
      ).statusCode;
    const step = { 'jcr:primaryType': 'satchel:WorkflowStep', step: 'notify/email', config: { template: 'x' } };
    const branch = { 'jcr:primaryType': 'satchel:WorkflowBranch', condition: 'true', step };
    for (const id of ['download-asset', 'update-renditions', 'transient-completed']) {
      const file = path.join(packageRoot, 'workflows', 'models', 'dam', id, '.content.json');
      expect(await status(JSON.parse(await readFile(file, 'utf8')) as object)).toBe(200);
    }
    expect(await status({ a: step, split: { 'jcr:primaryType': 'satchel:WorkflowOrSplit', branch } })).toBe(200);
    expect(await status({ a: { ...step, timeoutSecond: 3 } })).toBe(400);
    expect(await status({ a: { ...step, timeoutSeconds: 0 } })).toBe(400);
    expect(await status({ a: { ...step, step: 'acme/none' } })).toBe(400);
    expect(await status({ a: { ...step, config: { template: 3 } } })).toBe(400);
    expect(await status({ a: { 'jcr:primaryType': 'satchel:WorkflowParticipant' } })).toBe(400);
    expect(await status({ split: { 'jcr:primaryType': 'satchel:WorkflowOrSplit', step } })).toBe(400);
    await server.close();
  });
});

describe('satchel workflow show-model', () => {
  it('draws the tree, with the layer of each node', async () => {
    const { code, stdout } = await world.run('workflow', 'show-model', 'dam/download-asset', '--tenant', 'aurora');
    expect(code).toBe(0);
    const lines = stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  ').trim());
    expect(lines.slice(2, 8)).toEqual([
      'plan  dam/plan-download  /libs',
      'render  dam/render  /libs',
      'approval  one of  /conf/aurora',
      'yes  if metadata.approved  /conf/aurora',
      'ask  asks legal  /conf/aurora',
      'package  dam/package  /libs',
    ]);
    expect((await world.run('workflow', 'show-model', 'dam/none')).stderr).toContain('[UNKNOWN_MODEL]');
  });
});

describe('satchel workflow validate', () => {
  it('takes the models that ship, for every tenant, and warns of people nobody knows', async () => {
    const all = await world.run('workflow', 'validate', '--all-tenants');
    expect(all.code).toBe(0);
    expect(all.stdout).toContain('ask is for "legal", who is neither a user nor a group');
    expect(all.stdout).toMatch(/models for \d+ tenants: 0 problems, 1 warning\n$/);
    const one = await world.json('workflow', 'validate', 'dam/download-asset');
    expect(one).toMatchObject({
      code: 0,
      document: { valid: true, checked: [{ model: 'dam/download-asset', warnings: [] }] },
    });
  });

  it('tries a file before it is content, and names its lines', async () => {
    const draft = {
      'jcr:primaryType': 'satchel:WorkflowModel',
      start: { 'jcr:primaryType': 'satchel:WorkflowStep', step: 'dam/rendre' },
      again: { 'jcr:primaryType': 'satchel:WorkflowGoto', target: 'start', condition: 'metdata.x' },
    };
    await writeFile(path.join(world.folder, 'draft.json'), JSON.stringify(draft, undefined, 2));
    const tried = await world.run('workflow', 'validate', 'acme/draft', '--file', 'draft.json');
    expect(tried.code).toBe(1);
    expect(tried.stdout.split('\n')).toEqual([
      expect.stringMatching(
        /^draft\.json:3: \S+\/acme\/draft\/start names the step dam\/rendre.* did you mean "dam\/render"\? .*\[unknown-step\]$/,
      ),
      expect.stringMatching(
        /^draft\.json:7: \S+\/acme\/draft\/again has a condition that .*did you mean "metadata"\? \[wrong-condition\]$/,
      ),
      '1 model for 1 tenant: 2 problems, 0 warnings',
      '',
    ]);
    // Nothing of it was saved.
    expect((await world.run('workflow', 'show-model', 'acme/draft')).stderr).toContain('[UNKNOWN_MODEL]');
  });

  it('tries a tenant’s overlay over what is below it', async () => {
    const overlay = { plan: { parallel: 500 }, deliver: { 'sling:hideResource': true } };
    await writeFile(path.join(world.folder, 'overlay.json'), JSON.stringify(overlay, undefined, 2));
    const args = ['workflow', 'validate', 'dam/download-asset', '--file', 'overlay.json', '--tenant', 'aurora'];
    expect((await world.run(...args)).stdout).toMatch(
      /^overlay\.json:2: \/conf\/aurora\/\S+\/plan has "parallel" 500, which must be/,
    );
  });

  it('says what is wrong with a file that does not parse, and with its arguments', async () => {
    await writeFile(path.join(world.folder, 'broken.json'), '{\n  "a": \n}');
    const broken = await world.run('workflow', 'validate', 'acme/draft', '--file', 'broken.json');
    expect(broken.stderr).toContain('broken.json:3');
    expect((await world.run('workflow', 'validate', '--file', 'broken.json')).code).toBe(2);
    expect((await world.run('workflow', 'validate', 'a', '--tenant', 'aurora', '--all-tenants')).code).toBe(2);
  });
});

describe('a model in the repository', () => {
  it('is refused when what is saved cannot be right', async () => {
    const yes = `/conf/aurora/${models}/dam/download-asset/approval/yes`;
    const save = (properties: Record<string, string | number>) =>
      change((session) => session.setProperties(yes, properties));
    await expect(save({ condition: 'metadata.' })).rejects.toMatchObject({
      code: 'CONSTRAINT_VIOLATION',
      message: expect.stringContaining(`${yes}/condition is a condition that does not parse`) as string,
    });
    await expect(change((session) => session.setProperties(`${yes}/ask`, { dueSeconds: 0 }))).rejects.toMatchObject({
      message: expect.stringContaining('/dueSeconds is 0, which must be a whole number from 1') as string,
    });
    await save({ condition: 'metadata.approved' });
  });

  it('is checked with those that contain it when a command changes it', async () => {
    await change(async (session) => {
      const root = `/apps/${models}/acme`;
      await session.ensureNode(`${root}/inner`, typed('Model'), 'sling:Folder');
      await session.addNode(`${root}/inner/only`, typed('Step', { step: 'dam/render' }));
      await session.ensureNode(`${root}/outer`, typed('Model'), 'sling:Folder');
      await session.addNode(`${root}/outer/run`, typed('Container', { model: 'acme/inner' }));
    });
    const hidden = await world.run('overlay', 'hide', `${models}/acme/inner`, '--tenant', 'aurora');
    expect(hidden.code).not.toBe(0);
    expect(hidden.stderr).toContain('names the model "acme/inner", which does not exist for this tenant');
    expect((await world.run('workflow', 'validate', 'acme/outer', '--tenant', 'aurora')).code).toBe(0);
  });
});
