import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { readRequest } from '../../activities/satchel/request-node.js';
import type { Engine } from '../../engine/api.js';
import { createLaunchers } from '../../engine/launchers/launchers.js';
import { adminUser } from '../../repository/api.js';
import { useTemporalServer } from '../support/temporal.js';
import { createWorld, type World } from './engine-world.js';

const server = useTemporalServer();

/** Changes what it works on: without a guard its launcher would start it for ever. */
const touchStep = defineStep({
  id: 'test/touch',
  title: 'Touch',
  description: 'Counts up a property of the payload.',
  config: z.strictObject({ as: z.enum(['initiator', 'service']) }),
  result: z.null(),
  examples: [],
  serviceUser: 'content-import',
  run: async ({ config, payload, session, serviceSession }) => {
    const writing = await (config.as === 'initiator' ? session() : serviceSession());
    const count = (await writing.getNode(payload)).number('count') ?? 0;
    await writing.setProperties(payload, { count: count + 1 });
    await writing.save();
    return null;
  },
});

let world: World;
let engine: Engine;
beforeAll(async () => {
  world = await createWorld([touchStep]);
  engine = await world.createEngine({ address: server().address });
  await engine.start();
}, 240_000);
afterAll(async () => {
  await engine.close();
  await world.close();
});

it('events become workflows on Temporal, whose own changes start nothing again', async () => {
  const { repository, services, registry } = world;
  const save = (work: (session: Awaited<ReturnType<typeof repository.login>>) => Promise<unknown>) =>
    repository.withSession(adminUser, async (session) => {
      await work(session);
      await session.save();
    });
  const launchers = createLaunchers({ services, registry, conditions: { runModes: ['author'], features: [] } });
  await save(async (session) => {
    for (const as of ['initiator', 'service']) {
      const model = `/apps/settings/workflow/models/test/${as}`;
      await session.ensureNode(model, { primaryType: 'satchel:WorkflowModel' }, 'sling:Folder');
      await session.ensureNode(`${model}/touch`, {
        primaryType: 'satchel:WorkflowStep',
        properties: { step: 'test/touch' },
      });
      await session.ensureNode(`${model}/touch/config`, { properties: { as } });
      const properties = { events: ['added', 'changed'], glob: `/conf/${as}/*`, model: `test/${as}` };
      const launcher = `/apps/settings/workflow/launchers/${as}`;
      await session.ensureNode(launcher, { primaryType: 'satchel:WorkflowLauncher', properties }, 'sling:Folder');
    }
  });
  const lookedAtAll = async () => {
    const { position, head } = await launchers.status();
    expect(position).toBe(head);
  };
  const follower = launchers.follow({ onLaunched: () => engine.wake(), log: pino({ level: 'silent' }) });
  await vi.waitFor(lookedAtAll, { timeout: 20_000 });
  await save(async (session) => {
    for (const as of ['initiator', 'service'])
      for (const name of ['a', 'b']) await session.ensureNode(`/conf/${as}/${name}`, {}, 'sling:Folder');
  });
  const ended = () =>
    repository.withSession(adminUser, async (session) => {
      const instances = [];
      for await (const node of session.children('/var/workflow/instances')) instances.push(readRequest(node));
      return instances.map(({ state, payload }) => `${payload} ${state}`).sort();
    });
  const all = ['initiator', 'service'].flatMap((as) => ['a', 'b'].map((name) => `/conf/${as}/${name} completed`));
  await vi.waitFor(async () => expect(await ended()).toEqual(all), { timeout: 60_000 });
  // What the steps changed has been looked at too, and started nothing.
  await vi.waitFor(lookedAtAll, { timeout: 20_000 });
  await follower.close();
  expect(await launchers.status()).toMatchObject({ launched: 4, failed: 0, waitingRequests: 0 });
  await repository.withSession(adminUser, async (session) => {
    for (const as of ['initiator', 'service']) expect((await session.getNode(`/conf/${as}/a`)).number('count')).toBe(1);
  });
});
