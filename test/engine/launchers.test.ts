import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Session } from '../../repository/api.js';
import { openRepository } from '../../repository/repository.js';
import { createUser } from '../../repository/users.js';
import { workflowUserData } from '../../workflows/contract/workflow-user-data.js';
import { backends, openFor } from '../repository/world.js';
import {
  dyingStore,
  launcherWorldOn,
  memoryStores,
  openLauncherWorld,
  type Layers,
  type LauncherWorld,
} from './launcher-world.js';

/** With these launchers, followed from before anything below happens. */
async function launcherWorld(layers: Layers, ...more: Parameters<typeof openLauncherWorld>): Promise<LauncherWorld> {
  const world = await openLauncherWorld(...more);
  onTestFinished(() => world.repository.close());
  await world.add(layers);
  await world.workOff();
  return world;
}

async function addAsset(session: Session, path: string, mimeType = 'image/jpeg'): Promise<void> {
  await session.ensureNode(path, { primaryType: 'dam:Asset' }, 'sling:Folder');
  const content = { primaryType: 'dam:AssetContent', properties: { 'jcr:mimeType': mimeType } };
  await session.ensureNode(`${path}/jcr:content`, content);
}

async function launchesOf(world: LauncherWorld): Promise<string[]> {
  await world.workOff();
  return (await world.requests()).map(({ payload }) => payload).sort();
}

describe('a launcher', () => {
  it('makes one request of every event it is about, as who made the change', async () => {
    const world = await launcherWorld({ '/apps': { a: {} } });
    await world.change((session) => createUser(session, { id: 'ada', groups: ['administrators'] }));
    await world.change((session) => addAsset(session, '/content/dam/aurora/one.jpg'), { user: 'ada' });
    await world.change((session) => addAsset(session, '/content/two.jpg'));
    await world.workOff();
    expect(await world.requests()).toMatchObject([
      {
        id: expect.stringMatching(/^\d{8}-\d{9}-[\da-f]{16}$/u) as string,
        model: 'test/model',
        payload: '/content/dam/aurora/one.jpg',
        initiator: 'ada',
        tenant: 'aurora',
        state: 'requested',
      },
    ]);
    expect(await world.launchers.status()).toMatchObject({
      launched: 1,
      failed: 0,
      behind: { commits: 0 },
      waitingRequests: 1,
      last: { launcher: 'a', path: '/content/dam/aurora/one.jpg' },
      problems: [],
    });
  });

  it('launches nothing for what was there before launchers were followed', async () => {
    const world = await openLauncherWorld();
    onTestFinished(() => world.repository.close());
    await world.add({ '/apps': { a: {} } });
    await world.change((session) => addAsset(session, '/content/dam/old.jpg'));
    expect(await launchesOf(world)).toEqual([]);
    await world.change((session) => addAsset(session, '/content/dam/new.jpg'));
    expect(await launchesOf(world)).toEqual(['/content/dam/new.jpg']);
  });

  it('is taken up and given up while events are followed', async () => {
    const world = await launcherWorld({});
    const follower = world.launchers.follow({ onLaunched: () => undefined, log: pino({ level: 'silent' }) });
    await world.add({ '/apps': { a: { glob: '/content/dam/a' } } });
    await world.change((session) => addAsset(session, '/content/dam/a/1.jpg'));
    await world.workOff();
    await follower.close();
    await world.change((session) => session.setProperties('/apps/settings/workflow/launchers/a', { enabled: false }));
    await world.workOff();
    await world.change((session) => addAsset(session, '/content/dam/a/2.jpg'));
    expect(await launchesOf(world)).toEqual(['/content/dam/a/1.jpg']);
  });

  it('tells kinds of events apart', async () => {
    const kinds = ['added', 'changed', 'removed', 'moved'];
    const nodes = { nodetype: 'nt:unstructured', glob: '/content/dam/k' };
    const world = await launcherWorld({
      '/apps': Object.fromEntries(kinds.map((kind) => [kind, { ...nodes, events: [kind] }])),
    });
    await world.change((session) => session.ensureNode('/content/dam/k/n', {}, 'sling:Folder'));
    await world.change((session) => session.setProperties('/content/dam/k/n', { x: 1 }));
    await world.change((session) => session.move('/content/dam/k/n', '/content/dam/k/m'));
    await world.change((session) => session.remove('/content/dam/k/m'));
    await world.workOff();
    const launched = await world.repository.withSession('admin', async (session) =>
      Promise.all(
        (await world.requests()).map(async ({ path, payload }) => [
          (await session.getNode(path)).texts('launchers').join(),
          payload,
        ]),
      ),
    );
    expect(launched).toEqual([['removed', '/content/dam/k/m']]);
  });

  it('goes by type, inherited too, by run mode and by feature', async () => {
    const world = await launcherWorld(
      {
        '/apps': {
          inherited: { nodetype: 'nt:hierarchyNode' },
          other: { nodetype: 'nt:file' },
          publish: { runModes: ['publish'] },
          either: { runModes: ['publish', 'author'] },
          on: { features: ['new-ui'] },
          off: { disabledFeatures: ['new-ui'] },
          missing: { features: ['new-ui', 'beta'] },
          disabled: { enabled: false },
        },
      },
      memoryStores(),
      { runModes: ['author'], features: ['new-ui'] },
    );
    await world.change((session) => addAsset(session, '/content/dam/a.jpg'));
    const tested = await world.repository.withSession('admin', (session) =>
      world.launchers.test(session, '/content/dam/a.jpg', { kind: 'added', userId: 'admin' }),
    );
    expect(Object.fromEntries(tested.launchers.map(({ launcher, reasons }) => [launcher.name, reasons]))).toEqual({
      inherited: [],
      other: ['the node is dam:Asset, not nt:file'],
      publish: ['none of its run modes publish is active'],
      either: [],
      on: [],
      off: ['the feature "new-ui" is switched on'],
      missing: ['the feature "beta" is not switched on'],
      disabled: ['it is not enabled'],
    });
    expect(await launchesOf(world)).toEqual(Array.from({ length: 3 }, () => '/content/dam/a.jpg'));
  });

  it('asks its conditions of the node, and of those around it', async () => {
    const world = await launcherWorld({
      '/apps': {
        jpeg: { conditions: ['jcr:content/jcr:mimeType==image/jpeg', '../jcr:title!=Draft'] },
        png: { conditions: ['jcr:content/jcr:mimeType==image/png'] },
      },
    });
    await world.change(async (session) => {
      await addAsset(session, '/content/dam/a/1.jpg');
      await addAsset(session, '/content/dam/a/2.gif', 'image/gif');
      await addAsset(session, '/content/dam/drafts/3.jpg');
      await session.setProperties('/content/dam/drafts', { 'jcr:title': 'Draft' });
    });
    expect(await launchesOf(world)).toEqual(['/content/dam/a/1.jpg']);
  });

  it('passes over whom and what its exclude list names', async () => {
    const world = await launcherWorld({ '/apps': { a: { excludeList: 'eve, event-user-data:import' } } });
    await world.change((session) => createUser(session, { id: 'eve', groups: ['administrators'] }));
    await world.change((session) => addAsset(session, '/content/dam/1.jpg'), { user: 'eve' });
    await world.change((session) => addAsset(session, '/content/dam/2.jpg'), { userData: 'import of today' });
    await world.change((session) => addAsset(session, '/content/dam/3.jpg'), { userData: 'important' });
    expect(await launchesOf(world)).toEqual(['/content/dam/3.jpg']);
  });

  it('does not start on what its own workflow changed, nor round a circle, unless it says so', async () => {
    const world = await launcherWorld({ '/apps': { a: {}, b: { model: 'test/other' }, again: { relaunch: true } } });
    const byAThenB = workflowUserData({ model: 'test/third', launchers: ['a', 'b'] });
    await world.change((session) => addAsset(session, '/content/dam/1.jpg'), { userData: byAThenB });
    const byHand = workflowUserData({ model: 'test/model', launchers: [] });
    await world.change((session) => addAsset(session, '/content/dam/2.jpg'), { userData: byHand });
    const far = workflowUserData({ model: 'x/y', launchers: Array.from({ length: 16 }, (_, index) => `l${index}`) });
    await world.change((session) => addAsset(session, '/content/dam/3.jpg'), { userData: far });
    await world.workOff();
    const status = await world.launchers.status();
    // b's model does not exist, which the second event shows: its launcher was about to start.
    expect(await launchesOf(world)).toEqual(['/content/dam/1.jpg', '/content/dam/2.jpg']);
    expect(status).toMatchObject({ launched: 2, failed: 1 });
    const first = (await world.requests()).find(({ payload }) => payload === '/content/dam/1.jpg');
    await world.repository.withSession('admin', async (session) => {
      expect((await session.getNode(first?.path ?? '')).texts('launchers')).toEqual(['a', 'b', 'again']);
    });
  });

  it('reads AEM’s launchers, at their place too', async () => {
    const world = await launcherWorld({});
    await world.change(async (session) => {
      const path = '/conf/global/settings/workflow/launcher/config/update_asset_create';
      await session.ensureNode(
        path,
        {
          primaryType: 'cq:WorkflowLauncher',
          properties: {
            eventType: 1,
            glob: '/content/dam(/((?!/subassets).)*/)renditions/original',
            nodetype: 'nt:file',
            conditions: ['jcr:content/jcr:mimeType!=application/xml'],
            workflow: '/var/workflow/models/test/model',
            enabled: true,
            excludeList: ['event-user-data:changedByWorkflowProcess'],
            runModes: ['author'],
            description: 'Update Asset - Create',
          },
        },
        'sling:Folder',
      );
    });
    await world.workOff();
    const original = '/content/dam/a.jpg/jcr:content/renditions/original';
    await world.change(async (session) => {
      await session.ensureNode(original, { primaryType: 'nt:file' }, 'nt:unstructured');
      await session.ensureNode(`${original}/jcr:content`, { properties: { 'jcr:mimeType': 'image/jpeg' } });
    });
    expect(await launchesOf(world)).toEqual([original]);
  });
});

describe('tenants', () => {
  it('have the launchers of their content, which they may change, add and hide', async () => {
    const world = await launcherWorld({
      '/apps': { shared: {}, changed: { conditions: ['jcr:content/jcr:mimeType==none'] }, hidden: {} },
      '/conf/aurora': { changed: { conditions: [] }, hidden: { 'sling:hideResource': true } },
    });
    await world.change((session) => addAsset(session, '/content/dam/aurora/1.jpg'));
    await world.change((session) => addAsset(session, '/content/dam/2.jpg'));
    await world.workOff();
    const launched = await world.repository.withSession('admin', async (session) =>
      Promise.all(
        (await world.requests()).map(async ({ path, tenant }) => [
          tenant,
          (await session.getNode(path)).texts('launchers').join(),
        ]),
      ),
    );
    expect(launched.map((pair) => pair.join(' ')).sort()).toEqual([
      'aurora changed',
      'aurora shared',
      'global hidden',
      'global shared',
    ]);
  });
});

describe('a launcher that is wrong', () => {
  it('is named with its path, and others go on', async () => {
    const world = await launcherWorld({
      '/apps': {
        good: {},
        unknown: { model: 'test/missing' },
        pattern: { glob: '/content/dam(' },
        condition: { conditions: ['x=y'] },
      },
    });
    await world.change((session) => addAsset(session, '/content/dam/1.jpg'));
    await world.workOff();
    expect(await world.requests()).toHaveLength(1);
    const problems = ((await world.launchers.status()).problems as readonly { path: string; problem: string }[]).map(
      ({ path, problem }) => `${path} ${problem}`,
    );
    const root = '/apps/settings/workflow/launchers';
    expect(problems).toEqual([
      expect.stringContaining(`${root}/condition has a property "conditions" that holds "x=y"`),
      `${root}/pattern has a property "glob" that is no regular expression at character 14: "(" has no ")"`,
      expect.stringContaining(`${root}/unknown launches nothing: UNKNOWN_MODEL`),
    ]);
  });
});

describe('moves', () => {
  it('launch once for every node that came along, over a stop in the middle', async () => {
    const stores = memoryStores();
    const world = await launcherWorld({ '/apps': { a: { events: ['moved'] } } }, stores);
    const paths = Array.from({ length: 130 }, (_, index) => `folder-${index % 7}/${index}.jpg`);
    await world.change(async (session) => {
      for (const path of paths) await addAsset(session, `/content/dam/from/${path}`);
    });
    await world.change((session) => session.move('/content/dam/from', '/content/dam/to'));
    const dying = dyingStore(stores.nodes, 2, 'before', 'commits');
    const stopped = await openLauncherWorld({ ...stores, nodes: dying.store });
    const follower = stopped.launchers.follow({ onLaunched: () => undefined, log: pino({ level: 'silent' }) });
    await dying.died;
    await follower.close();
    const before = (await world.requests()).map(({ payload }) => payload);
    expect(before.length).toBeGreaterThan(0);
    // Done and forgotten, as transient workflows are: only the record knows of them.
    await world.change(async (session) => {
      for (const { path } of await world.requests()) await session.remove(path);
    });
    const launched = [...before, ...(await launchesOf(world))].sort();
    expect(launched).toEqual(paths.map((path) => `/content/dam/to/${path}`).sort());
    expect(await world.launchers.status()).toMatchObject({ launched: 130 });
  });

  it('and additions of one commit launch all, where the follower is stopped in the middle of them', async () => {
    const stores = memoryStores();
    const world = await launcherWorld({ '/apps': { a: {} } }, stores);
    await world.change(async (session) => {
      for (let index = 0; index < 250; index += 1) await addAsset(session, `/content/dam/${index}.jpg`);
    });
    const launched = new Promise<void>((resolve) => {
      const log = pino({ level: 'silent' });
      const follower = world.launchers.follow({ log, onLaunched: () => void follower.close().then(resolve) });
    });
    await launched;
    const before = (await world.requests()).length;
    expect(before).toBeLessThan(250);
    expect(await launchesOf(world)).toHaveLength(250);
    expect(await world.launchers.status()).toMatchObject({ launched: 250 });
  });

  it('are followed by events that wait', async () => {
    const world = await launcherWorld({ '/apps': { a: {} } });
    await world.change((session) => addAsset(session, '/content/dam/from/1.jpg'));
    await world.change((session) => session.move('/content/dam/from', '/content/dam/between'));
    await world.change((session) => session.move('/content/dam/between/1.jpg', '/content/dam/2.jpg'));
    await world.change((session) => addAsset(session, '/content/dam/gone.jpg'));
    await world.change((session) => session.remove('/content/dam/gone.jpg'));
    expect(await launchesOf(world)).toEqual(['/content/dam/2.jpg']);
  });
});

describe('a process that dies', () => {
  it.each(['before', 'after'] as const)('%s any write of the follower loses and repeats nothing', async (when) => {
    for (let nth = 1, isDone = false; !isDone; nth += 1) {
      const stores = memoryStores();
      const world = await launcherWorld({ '/apps': { a: {}, b: { glob: '/content/dam/**' } } }, stores);
      for (const name of ['1.jpg', '2.jpg', '3.jpg'])
        await world.change((session) => addAsset(session, `/content/dam/x/${name}`));
      const dying = dyingStore(stores.nodes, nth, when);
      const mortal = await openLauncherWorld({ ...stores, nodes: dying.store });
      const follower = mortal.launchers.follow({ onLaunched: () => undefined, log: pino({ level: 'silent' }) });
      isDone = await Promise.race([
        dying.died.then(() => false),
        mortal.workOff().then(
          () => true,
          async () => dying.died.then(() => false),
        ),
      ]);
      await follower.close();
      const first = await world.requests();
      // What was launched ends and is forgotten before the next process starts.
      await world.change(async (session) => {
        for (const { path } of first) await session.remove(path);
      });
      await world.workOff();
      const ids = [...first, ...(await world.requests())].map(({ id }) => id);
      expect(ids, `write ${nth}`).toHaveLength(6);
      expect(new Set(ids).size).toBe(6);
    }
  });
});

describe.each(Object.entries(backends).filter(([name]) => name !== 'memory'))('on %s', (_name, open) => {
  it('two followers launch 1,000 events once each, in order', async () => {
    const repository = await openFor(open);
    const [one, two] = [await launcherWorldOn(repository), await launcherWorldOn(repository)];
    await one.add({ '/apps': { a: {} } });
    await one.workOff();
    const before = await repository.head();
    for (let commit = 0; commit < 20; commit += 1) {
      await one.change(async (session) => {
        for (let index = 0; index < 50; index += 1) await addAsset(session, `/content/dam/${commit}/${index}.jpg`);
      });
    }
    await Promise.all([one.workOff(), two.workOff()]);
    const requests = await one.requests();
    expect(requests).toHaveLength(1000);
    expect(new Set(requests.map(({ payload }) => payload)).size).toBe(1000);
    expect(await one.launchers.status()).toMatchObject({ launched: 1000, failed: 0 });
    const launched: string[] = [];
    for await (const { changes } of repository.commitsAfter(before)) {
      for (const { kind, path } of changes)
        if (kind === 'nodeAdded' && path.startsWith('/var/workflow/requests/')) launched.push(path.slice(23, 41));
    }
    expect(launched).toEqual([...launched].sort());
  }, 120_000);
});

it('a store that was opened by nobody before is followed from its first launcher on', async () => {
  const stores = memoryStores();
  await (await openRepository(stores)).head();
  const world = await launcherWorld({ '/apps': { a: {} } }, stores);
  await world.change((session) => addAsset(session, '/content/dam/1.jpg'));
  expect(await launchesOf(world)).toEqual(['/content/dam/1.jpg']);
});
