import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, WorkItem } from '../../engine/api.js';
import { adminUser } from '../../repository/api.js';
import { addMember, createGroup, createUser } from '../../repository/users.js';
import { useTemporalServer } from '../support/temporal.js';
import { createWorld, type World } from './engine-world.js';
import { finalView, launchPinned, modelOf, participant } from './pinned-jobs.js';

const server = useTemporalServer();
let world: World;
let engine: Engine;

beforeAll(async () => {
  world = await createWorld();
  await world.addAsset('/content/dam/plain/one.txt', 'one');
  await world.repository.withSession(adminUser, async (session) => {
    await createGroup(session, 'reviewers');
    await createGroup(session, 'inner');
    await addMember(session, 'reviewers', 'inner');
    await createUser(session, { id: 'rita', email: 'rita@example.com', groups: ['reviewers'] });
    await createUser(session, { id: 'ivan', email: 'ivan@example.com', groups: ['inner'] });
    const folder = '/apps/settings/dam/workflow/notification/email/workitem';
    const mjml = [
      '<mjml><mj-head><mj-title>{{item.title}}{{#if reminder}} (again){{/if}}</mj-title></mj-head>',
      '<mj-body><mj-section><mj-column><mj-text>{{item.url}} {{workflow.title}}</mj-text></mj-column></mj-section></mj-body></mjml>',
    ].join('');
    await session.ensureNode(folder, { primaryType: 'sling:Folder' }, 'sling:Folder');
    await session.addNode(`${folder}/en.mjml`, { primaryType: 'nt:file' });
    await session.addNode(`${folder}/en.mjml/jcr:content`, {
      primaryType: 'nt:resource',
      properties: { 'jcr:data': await session.createBinary(mjml), 'jcr:mimeType': 'text/plain' },
    });
    await session.save();
  });
  engine = await world.createEngine({ address: server().address });
  await engine.start();
}, 240_000);

afterAll(async () => {
  await engine.close();
  await world.close();
});

/** The one open item of a job, once it is there. */
async function itemOf(job: string): Promise<WorkItem> {
  const find = async () => (await engine.inbox(adminUser, { all: true })).items.find((item) => item.job === job);
  await expect.poll(find, { timeout: 20_000 }).toBeDefined();
  const item = await find();
  if (!item) throw new Error('no item');
  return item;
}

const mailsFor = async (subject: string) =>
  (await world.mailbox.list({ limit: 50 }))
    .filter((mail) => mail.subject === subject)
    .flatMap(({ to }) => to)
    .sort();

describe('a work item', () => {
  it('of a group is seen and completed by its members, and what they say is kept', async () => {
    const id = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'reviewers')]));
    const item = await itemOf(id);
    expect(item).toMatchObject({
      state: 'open',
      title: 'Ask about approval',
      description: 'Please look at it.',
      assignee: 'reviewers',
      payload: '/content/dam/plain',
      initiator: 'ada',
      step: 'approval',
    });
    for (const user of ['rita', 'ivan']) {
      expect((await engine.inbox(user)).items.map((found) => found.id)).toEqual([item.id]);
    }
    expect((await engine.inbox('bob')).items).toEqual([]);
    await expect(engine.inbox('bob', { all: true })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(engine.workItem('bob', item.id)).rejects.toMatchObject({ code: 'UNKNOWN_WORK_ITEM' });
    await expect(engine.completeWorkItem('bob', item.id)).rejects.toMatchObject({ code: 'UNKNOWN_WORK_ITEM' });
    await expect(engine.workItem('ada', '../x')).rejects.toMatchObject({ code: 'UNKNOWN_WORK_ITEM' });
    // The initiator sees it, and may not decide it.
    expect((await engine.workItem('ada', item.id)).id).toBe(item.id);
    await expect(engine.completeWorkItem('ada', item.id)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(engine.completeWorkItem('ivan', item.id, { metadata: { 'not a name': true } })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });

    await engine.completeWorkItem('ivan', item.id, { comment: 'fine', metadata: { approved: true } });
    const view = await finalView(engine, 'ada', id);
    expect(view).toMatchObject({ state: 'completed', metadata: { approved: true } });
    expect(view.steps[0]?.decision).toEqual({ by: 'ivan', comment: 'fine', metadata: { approved: true } });
    expect(await engine.workItem('rita', item.id)).toMatchObject({ state: 'completed', endedBy: 'ivan' });
    expect((await engine.inbox('rita')).items).toEqual([]);
    expect((await engine.inbox('rita', { state: 'ended' })).items.map((found) => found.id)).toEqual([item.id]);
    await expect(engine.completeWorkItem('rita', item.id)).rejects.toMatchObject({ code: 'NOT_WAITING' });
  });

  it('is completed by exactly one of two who do so at once', async () => {
    const id = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'reviewers')]));
    const item = await itemOf(id);
    const people = ['rita', 'ivan', adminUser];
    const answers = await Promise.allSettled(
      people.map((user) => engine.completeWorkItem(user, item.id, { metadata: { by: user } })),
    );
    const winners = people.filter((_, index) => answers[index]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'NOT_WAITING' });
    }
    const view = await finalView(engine, 'ada', id);
    expect(view.steps[0]?.decision?.by).toBe(winners[0]);
    expect(view.metadata).toEqual({ by: winners[0] });
  });

  it('is delegated and given back, and is only whose it is now', async () => {
    const id = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'rita')]));
    const { id: item } = await itemOf(id);
    await expect(engine.delegateWorkItem('rita', item, 'nobody')).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    await expect(engine.returnWorkItem('rita', item)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await engine.delegateWorkItem('rita', item, 'bob', 'you know better');
    expect(await engine.workItem('bob', item)).toMatchObject({ assignee: 'bob', assignedFirst: 'rita' });
    await expect(engine.completeWorkItem('rita', item)).rejects.toMatchObject({ code: 'UNKNOWN_WORK_ITEM' });
    await engine.returnWorkItem('bob', item);
    await expect(engine.workItem('bob', item)).rejects.toMatchObject({ code: 'UNKNOWN_WORK_ITEM' });
    await engine.completeWorkItem('rita', item);
    expect((await finalView(engine, 'ada', id)).state).toBe('completed');
  });

  it('is told of by mail: each member of the group has one, also for the reminder', async () => {
    const asked = participant('approval', 'reviewers', { title: 'Told by mail', notify: true, reminderSeconds: 1 });
    const id = await launchPinned(world, engine, modelOf('test/ask', [asked]));
    const { id: item } = await itemOf(id);
    const members = ['ivan@example.com', 'rita@example.com'];
    await expect.poll(() => mailsFor('Told by mail'), { timeout: 20_000 }).toEqual(members);
    await expect
      .poll(async () => new Set(await mailsFor('Told by mail (again)')), { timeout: 20_000 })
      .toEqual(new Set(members));
    await engine.completeWorkItem('rita', item);
    await finalView(engine, 'ada', id);
    expect(await mailsFor('Told by mail')).toEqual(members);
  });

  it('is closed with its workflow: cancelled, or terminated by somebody', async () => {
    const cancelled = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'rita')]));
    const first = await itemOf(cancelled);
    await engine.cancel('ada', cancelled);
    expect(await finalView(engine, 'ada', cancelled)).toMatchObject({ state: 'cancelled', endedBy: 'ada' });
    expect((await engine.workItem('rita', first.id)).state).toBe('cancelled');

    const terminated = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'rita')]));
    const second = await itemOf(terminated);
    await expect(engine.terminate('bob', terminated)).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
    await engine.terminate(adminUser, terminated);
    expect(await engine.job('ada', terminated)).toMatchObject({
      state: 'cancelled',
      terminated: true,
      endedBy: adminUser,
      steps: [{ name: 'approval', state: 'cancelled' }],
    });
    expect(await engine.workItem('rita', second.id)).toMatchObject({ state: 'cancelled', endedBy: adminUser });
    await expect(engine.completeWorkItem('rita', second.id)).rejects.toMatchObject({ code: 'NOT_WAITING' });
    await expect(engine.terminate(adminUser, terminated)).rejects.toMatchObject({ code: 'JOB_ENDED' });
  });

  it('for somebody who does not exist fails the workflow, which says so', async () => {
    const id = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'nobody')]));
    expect(await finalView(engine, 'ada', id)).toMatchObject({
      state: 'failed',
      error: { code: 'UNKNOWN_USER', step: 'approval' },
    });
  });

  it('stands in lists page by page, newest first', async () => {
    const jobs: string[] = [];
    for (let count = 0; count < 5; count++) {
      const id = await launchPinned(world, engine, modelOf('test/ask', [participant('approval', 'bob')]));
      jobs.unshift(id);
      await itemOf(id);
    }
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await engine.inbox('bob', { limit: 2, ...(after !== undefined && { after }) });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ job }) => job));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(jobs);
  });
});
