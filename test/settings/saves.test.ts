/** A save that writes a wrong setting is refused, in whatever way the value got there. */
import { describe, expect, it } from 'vitest';
import { settingsRule } from '../../dam/settings/check-settings.js';
import type { Repository } from '../../repository/api.js';
import { openRepository } from '../../repository/repository.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { backends, openFor, sessionOf } from '../repository/world.js';

const node = (layer: string) => `${layer}/settings/dam/download`;

async function opened(open: (rules: readonly [typeof settingsRule]) => Promise<Repository>) {
  const repository = await openFor(() => open([settingsRule]));
  return { repository, session: await sessionOf(repository) };
}

describe.each(Object.entries(backends))('a save on %s', (_, backend) => {
  const open = async () => opened((contentRules) => backend({ contentRules }));

  it.each(['/conf/aurora', '/conf/emea/aurora', '/conf/global', '/apps', '/libs'])(
    'that writes a wrong value below %s is refused with its path, and nothing of it is saved',
    async (layer) => {
      const { session } = await open();
      await session.ensureNode(node(layer), { properties: { maxAssets: 'many', maxBytes: 5 } });
      await session.ensureNode('/content/beside');
      const path = `${node(layer)}/maxAssets`;
      await expect(session.save()).rejects.toMatchObject({
        code: 'CONSTRAINT_VIOLATION',
        paths: [path],
        message: `The property ${path} must be a whole number, it is "many".`,
      });
      await session.refresh();
      expect(await session.findNodes([node(layer), '/content/beside'])).toEqual([undefined, undefined]);
    },
  );

  it('takes numbers as Long and as text, and names of other products', async () => {
    const { session } = await open();
    await session.ensureNode(node('/conf/a'), {
      properties: { maxAssets: '50', maxBytes: 50, 'acme:note': 'x', other: 1 },
    });
    await session.save();
    await session.ensureNode('/conf/a/settings/dam/cfm/models', { properties: { maxAssets: 'not a setting here' } });
    await session.save();
    await session.ensureNode('/content/settings/dam/download', { properties: { maxAssets: 'no layer' } });
    await session.save();
  });

  it('that moves or copies a wrong value into settings is refused', async () => {
    const { session } = await open();
    await session.ensureNode('/tmp/download', { properties: { maxAssets: -1 } });
    await session.ensureNode('/conf/a/settings/dam');
    await session.save();
    await session.copy('/tmp/download', node('/conf/a'));
    await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    await session.refresh();
    await session.move('/tmp/download', node('/conf/a'));
    await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
  });

  it('of an image preset is checked property by property', async () => {
    const { session } = await open();
    const preset = '/conf/a/settings/dam/imagepresets/banner';
    await session.ensureNode(preset, { properties: { width: 400, format: 'bmp' } });
    await expect(session.save()).rejects.toMatchObject({ paths: [`${preset}/format`] });
    await session.setProperties(preset, { format: 'png' });
    await session.save();
  });

  it('of a setting of the whole installation is refused for a tenant', async () => {
    const { session } = await open();
    const path = '/conf/a/settings/repository/query';
    await session.ensureNode(path, { properties: { maxVisitedNodes: 10 } });
    await expect(session.save()).rejects.toThrow('is for the whole installation: set it in /conf/global or /apps');
    await session.refresh();
    await session.ensureNode('/conf/global/settings/repository/query', { properties: { maxVisitedNodes: 10 } });
    await session.save();
  });
});

describe('content that was wrong before there were rules', () => {
  it('does not stop a save beside it, can be made right and taken out, and cannot be made wrong in another way', async () => {
    const stores = { nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() };
    const before = await openRepository(stores);
    await before.withSession('admin', async (session) => {
      await session.ensureNode(node('/conf/a'), { properties: { maxAssets: 'many', maxBytes: 'much' } });
      await session.save();
    });
    const { session } = await opened((contentRules) => openRepository(stores, { contentRules }));
    await session.setProperties(node('/conf/a'), { partBytes: 5 });
    await session.save();
    await session.setProperties(node('/conf/a'), { maxAssets: 'more' });
    await expect(session.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    await session.refresh();
    await session.setProperties(node('/conf/a'), { maxAssets: 3, maxBytes: null });
    await session.save();
    expect((await session.getNode(node('/conf/a'))).number('maxAssets')).toBe(3);
  });
});
