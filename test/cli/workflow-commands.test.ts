/** What is typed about workflows and work items, without a workflow server: requests wait for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAsset } from '../../dam/asset.js';
import type { JobPage, JobView, Simulation } from '../../engine/api.js';
import { adminUser } from '../../repository/api.js';
import { createUser } from '../../repository/users.js';
import { workflowLines } from '../../cli/output/workflow-lines.js';
import { createStyler } from '../../cli/output/text.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
const payload = ['--payload', '/content/dam/plain'];

beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/dam/plain');
    await createAsset(session, '/content/dam/plain', 'one.txt', { binary: await session.createBinary('one') });
    await createUser(session, { id: 'ada', email: 'ada@example.com', groups: ['dam-users'] });
    await session.save();
  });
}, 120_000);
afterAll(() => world.close());

async function started(...more: string[]): Promise<string> {
  const { document } = await world.json('workflow', 'start', 'dam/update-renditions', ...payload, '--no-wait', ...more);
  return (document as { id: string }).id;
}

describe('satchel workflow', () => {
  it('start takes metadata of several types and a comment; show has them', async () => {
    const metadata = ['approved=true', 'count=3', 'code:String=007', 'tags[]=a,b'];
    const id = await started('--metadata', ...metadata, '--comment', 'for the lookbook');
    const { document } = await world.json('workflow', 'show', id);
    expect(document).toMatchObject({
      id,
      state: 'queued',
      metadata: { approved: true, count: 3, code: '007', tags: ['a', 'b'] },
      comments: [{ by: 'admin', text: 'for the lookbook' }],
    });
    const { stdout } = await world.run('workflow', 'show', id);
    expect(stdout).toContain('approved');
    expect(stdout).toContain('for the lookbook');
    expect((await world.run('workflow', 'comment', id, 'hurry')).code).toBe(0);
    expect((await world.json('workflow', 'show', id)).document).toMatchObject({ comments: [{}, { text: 'hurry' }] });
  });

  it('list goes page by page', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) ids.unshift(await started());
    const first = (await world.json('workflow', 'list', '--limit', '2', '--state', 'queued')).document as JobPage;
    expect(first.jobs.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first.next).toBe(ids[1]);
    const rest = (await world.json('workflow', 'list', '--after', first.next ?? '')).document as JobPage;
    expect(rest.jobs[0]?.id).toBe(ids[2]);
    expect((await world.json('workflow', 'list', '--as', 'ada')).document).toEqual({ jobs: [] });
    expect((await world.run('workflow', 'list', '--state', 'asleep')).code).toBe(2);
  });

  it('terminate and cancel end what still waits, with who did it', async () => {
    const [first, second] = [await started(), await started()];
    expect((await world.run('workflow', 'cancel', first)).code).toBe(0);
    expect((await world.run('workflow', 'terminate', second)).code).toBe(0);
    // Transient workflows leave no record.
    for (const id of [first, second])
      expect((await world.run('workflow', 'show', id)).stderr).toContain('[UNKNOWN_JOB]');
    const again = await world.run('workflow', 'retry', await started());
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('[NOT_RETRYABLE]') as string });
  });

  it('simulate tells what would happen, and nothing does', async () => {
    const head = await world.satchel.repository.head();
    const { code, stdout } = await world.run('workflow', 'simulate', 'dam/download-asset', ...payload, '--as', 'ada');
    expect(code).toBe(0);
    expect(stdout).toContain('nothing was written or sent');
    expect(stdout).toMatch(/archive {2}plain\.zip/);
    expect(stdout).toMatch(/mail {2}ada@example\.com/);
    const wrong = await world.json('workflow', 'simulate', 'dam/update-renditions', ...payload, '--answer', 'ask:x=1');
    expect(wrong).toMatchObject({ code: 2, document: { error: { code: 'INVALID_REQUEST' } } });
    const { document } = await world.json('workflow', 'simulate', 'dam/update-renditions', ...payload);
    expect((document as Simulation).outcome.state).toBe('completed');
    expect(await world.satchel.repository.head()).toBe(head);
  });

  it('check-running names those that run', async () => {
    const id = await started();
    const { stdout } = await world.run('workflow', 'check-running', 'dam/update-renditions');
    expect(stdout).toContain(`${id}  global  is not affected`);
    expect((await world.run('workflow', 'check-running', 'dam/none')).stdout).toBe('no workflow of dam/none runs\n');
    expect((await world.run('workflow', 'check-running', 'dam/none', '--as', 'ada')).stderr).toContain('[NOT_ALLOWED]');
  });
});

describe('satchel inbox', () => {
  it('is empty, and knows no item of another name', async () => {
    expect((await world.run('inbox', 'list')).stdout).toBe('no work items\n');
    for (const args of [['show'], ['complete'], ['return']]) {
      const { code, stderr } = await world.run('inbox', ...args, '0123456789abcdef');
      expect([code, stderr]).toEqual([2, expect.stringContaining('[UNKNOWN_WORK_ITEM]')]);
    }
    expect((await world.run('inbox', 'list', '--all', '--as', 'ada')).stderr).toContain('[NOT_ALLOWED]');
  });
});

describe('a workflow for people', () => {
  it('is a tree of its nodes with times, decisions and errors', () => {
    const base = { layer: '/libs', started: '2026-01-01T00:00:00.000Z', ended: '2026-01-01T00:00:05.000Z' };
    const job: JobView = {
      id: 'j1',
      model: 'acme/approve',
      title: 'Approve',
      state: 'failed',
      initiator: 'ada',
      tenant: 'aurora',
      created: '2026-01-01T00:00:00.000Z',
      payload: '/content/dam/plain',
      waiting: false,
      archives: undefined,
      skipped: [],
      mails: [],
      error: { code: 'STEP_FAILED', message: 'No room.', step: 'decide/yes/pack' },
      terminated: true,
      endedBy: 'root',
      metadata: { approved: true },
      comments: [{ by: 'bob', text: 'fine', created: '2026-01-01T00:00:01.000Z' }],
      children: { 'j1/box': [{ ...base, name: 'deep', id: 'test/one', title: 'Deep', state: 'completed' }] },
      steps: [
        {
          ...base,
          name: 'ask',
          id: 'participant',
          title: 'Ask',
          state: 'completed',
          decision: { by: 'bob', comment: 'ok', metadata: { approved: true } },
        },
        { ...base, name: 'decide', id: 'or', title: 'Decide', state: 'failed', branch: 'decide/yes' },
        {
          ...base,
          name: 'decide/yes/pack',
          id: 'dam/package',
          title: 'Pack',
          state: 'failed',
          error: { code: 'STEP_FAILED', message: 'No room.' },
        },
        { ...base, name: 'box', id: 'container', title: 'Box', state: 'completed', child: 'j1/box' },
        { layer: '/libs', name: 'last', id: 'test/one', title: 'Last', state: 'waiting' },
      ],
    };
    expect(workflowLines(job, createStyler(false), new Date())).toEqual([
      'terminated  Approve  j1',
      '  model          acme/approve',
      '  payload        /content/dam/plain',
      '  tenant         aurora',
      '  started        2026-01-01T00:00:00.000Z by ada',
      '  terminated by  root',
      '  No room. [STEP_FAILED]',
      'steps',
      '  ✔ Ask  ask · 2026-01-01T00:00:00Z, 5.0 s',
      '      by bob · “ok” · approved = true',
      '  ✘ Decide  decide · 2026-01-01T00:00:00Z, 5.0 s · took decide/yes',
      '      ✘ Pack  decide/yes/pack · 2026-01-01T00:00:00Z, 5.0 s',
      '          No room. [STEP_FAILED]',
      '  ✔ Box  box · 2026-01-01T00:00:00Z, 5.0 s · workflow j1/box',
      '    ✔ Deep  deep · 2026-01-01T00:00:00Z, 5.0 s',
      '  · Last  last',
      'metadata',
      '  approved  true',
      'comments',
      '  2026-01-01T00:00:01.000Z  bob  fine',
    ]);
  });
});
