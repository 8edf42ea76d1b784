import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import type { Property } from '../../repository/value.js';
import { diffFolder, pullFolder, pushFolder } from '../../repository/vault/folder-sync.js';
import { backends, openFor, sessionOf, temporaryFolder } from '../repository/world.js';
import { docView } from './package-builder.js';
import { contentOf, randomTree, writeTree } from './random-content.js';

const path = '/conf/aurora';

async function open(backend = 'memory'): Promise<Session> {
  const opened = backends[backend];
  if (!opened) throw new Error(`there is no ${backend} backend`);
  return sessionOf(await openFor(opened));
}

async function world() {
  const session = await open();
  await session.ensureNode('/conf', { primaryType: 'sling:Folder' });
  await session.addNode(path, { primaryType: 'sling:Folder', properties: { title: 'Aurora' } });
  await session.addNode(`${path}/settings`, { primaryType: 'sling:Folder' });
  await session.addNode(`${path}/settings/limits`, { properties: { maxAssets: 7 } });
  await addFile(session, `${path}/logo.svg`, '<svg/>');
  await session.save();
  const folder = await temporaryFolder();
  return { session, folder, sync: { session, path, folder } };
}

async function addFile(session: Session, at: string, text: string): Promise<void> {
  await session.addNode(at, { primaryType: 'nt:file' });
  await session.addNode(`${at}/jcr:content`, {
    primaryType: 'nt:resource',
    properties: { 'jcr:data': await session.createBinary(text), 'jcr:mimeType': 'image/svg+xml' },
  });
}

async function filesIn(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[file.slice(folder.length + 1)] = await readFile(file, 'utf8');
  }
  return Object.fromEntries(Object.entries(files).sort());
}

async function put(folder: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, 'jcr_root', file)), { recursive: true });
  await writeFile(join(folder, 'jcr_root', file), text);
}

const settings = (maxAssets: number) =>
  docView(
    'jcr:primaryType="sling:Folder"',
    `<limits jcr:primaryType="nt:unstructured" maxAssets="{Long}${maxAssets}"/>`,
  );

describe('a folder in step with the repository', () => {
  it('is pulled as files that say nothing of times, the same each time', async () => {
    const { folder, sync } = await world();
    await pullFolder(sync);
    const files = await filesIn(folder);
    expect(Object.keys(files)).toEqual([
      '.satchel-sync.json',
      'jcr_root/conf/aurora/.content.xml',
      'jcr_root/conf/aurora/logo.svg',
      'jcr_root/conf/aurora/settings/.content.xml',
    ]);
    expect(files['jcr_root/conf/aurora/settings/.content.xml']).toBe(
      [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:nt="http://www.jcp.org/jcr/nt/1.0" xmlns:sling="http://sling.apache.org/jcr/sling/1.0"',
        '    jcr:primaryType="sling:Folder">',
        '    <limits',
        '        jcr:primaryType="nt:unstructured"',
        '        maxAssets="{Long}7"/>',
        '</jcr:root>',
        '',
      ].join('\n'),
    );
    expect(await diffFolder(sync)).toEqual([]);
    expect(await pullFolder(sync)).toMatchObject({ written: [], removed: [], conflicts: [] });
    expect(await filesIn(folder)).toEqual(files);
  });

  it('brings changes, additions and removals both ways', async () => {
    const { session, folder, sync } = await world();
    await pullFolder(sync);
    await put(folder, 'conf/aurora/settings/.content.xml', settings(9));
    await put(folder, 'conf/aurora/new/text.txt', 'new');
    await rm(join(folder, 'jcr_root/conf/aurora/logo.svg'));
    await addFile(session, `${path}/other.svg`, '<svg id="other"/>');
    await session.save();
    expect((await diffFolder(sync)).map(({ file, side, local, remote }) => [file, side, local, remote])).toEqual([
      ['conf/aurora/logo.svg', 'local', 'removed', 'same'],
      ['conf/aurora/new/text.txt', 'local', 'added', 'same'],
      ['conf/aurora/other.svg', 'remote', 'same', 'added'],
      ['conf/aurora/settings/.content.xml', 'local', 'changed', 'same'],
    ]);
    const before = session.sequence;
    expect(await pushFolder(sync)).toMatchObject({ conflicts: [], removed: ['conf/aurora/logo.svg'] });
    expect(session.sequence).toBe(before + 1);
    expect((await session.getNode(`${path}/settings/limits`)).number('maxAssets')).toBe(9);
    expect(await session.findNode(`${path}/logo.svg`)).toBeUndefined();
    expect((await session.getNode(`${path}/new/text.txt/jcr:content`)).text('jcr:mimeType')).toBe('text/plain');
    // What only the repository has was not lost, and comes with the next pull.
    expect(await session.findNode(`${path}/other.svg`)).toBeDefined();
    const pulled = await pullFolder(sync);
    expect(pulled.written).toContain('conf/aurora/other.svg');
    expect(await diffFolder(sync)).toEqual([]);
    expect(await pushFolder(sync)).toMatchObject({ written: [], removed: [], changedNodes: 0 });
  });

  it('reports what changed on both sides, and overwrites it only when forced', async () => {
    const { session, folder, sync } = await world();
    await pullFolder(sync);
    const file = 'conf/aurora/settings/.content.xml';
    const change = async (local: number, remote: number) => {
      await put(folder, file, settings(local));
      await session.setProperties(`${path}/settings/limits`, { maxAssets: remote });
      await session.save();
    };
    await change(8, 9);
    expect(await diffFolder(sync)).toEqual([{ file, side: 'both', local: 'changed', remote: 'changed' }]);
    expect(await pushFolder(sync)).toMatchObject({ conflicts: [file], written: [] });
    expect(await pullFolder(sync)).toMatchObject({ conflicts: [file], written: [] });
    expect(await readFile(join(folder, 'jcr_root', file), 'utf8')).toBe(settings(8));
    expect((await session.getNode(`${path}/settings/limits`)).number('maxAssets')).toBe(9);
    expect(await pushFolder(sync, { force: true })).toMatchObject({ conflicts: [], written: [file] });
    expect((await session.getNode(`${path}/settings/limits`)).number('maxAssets')).toBe(8);
    await change(10, 11);
    expect(await pullFolder(sync, { force: true })).toMatchObject({ conflicts: [], written: [file] });
    expect(await readFile(join(folder, 'jcr_root', file), 'utf8')).toContain('{Long}11');
    expect(await diffFolder(sync)).toEqual([]);
  });

  it('that was never synchronised has conflicts where both have different files', async () => {
    const { folder, sync } = await world();
    await put(folder, 'conf/aurora/logo.svg', 'another');
    expect(await pushFolder(sync)).toMatchObject({ conflicts: ['conf/aurora/logo.svg'] });
    const { written, conflicts } = await pullFolder(sync);
    expect(conflicts).toEqual(['conf/aurora/logo.svg']);
    expect(written).toEqual(['conf/aurora/.content.xml', 'conf/aurora/settings/.content.xml']);
  });

  it('touches what its filter names, and nothing else', async () => {
    const { session, folder, sync } = await world();
    await mkdir(join(folder, 'META-INF/vault'), { recursive: true });
    await writeFile(
      join(folder, 'META-INF/vault/filter.xml'),
      `<workspaceFilter><filter root="${path}/settings"/><filter root="/elsewhere"/></workspaceFilter>`,
    );
    await pullFolder(sync);
    const files = Object.keys(await filesIn(join(folder, 'jcr_root')));
    expect(files).toEqual(['conf/aurora/.content.xml', 'conf/aurora/settings/.content.xml']);
    await rm(join(folder, 'jcr_root/conf/aurora/settings'), { recursive: true });
    await pushFolder(sync);
    expect(await session.findNode(`${path}/settings`)).toBeUndefined();
    expect(await session.findNode(`${path}/logo.svg`)).toBeDefined();
  });

  it('refuses what does not parse, links, and the state of another path; nothing changes', async () => {
    const { session, folder, sync } = await world();
    await pullFolder(sync);
    const before = session.sequence;
    await put(folder, 'conf/aurora/settings/.content.xml', '<jcr:root\n <');
    await expect(pushFolder(sync)).rejects.toMatchObject({
      code: 'INVALID_PACKAGE',
      file: 'conf/aurora/settings/.content.xml',
    });
    await put(folder, 'conf/aurora/settings/.content.xml', settings(7));
    await symlink('/etc', join(folder, 'jcr_root/conf/aurora/etc'));
    await expect(pushFolder(sync)).rejects.toMatchObject({ code: 'INVALID_CONTENT_FILE' });
    await rm(join(folder, 'jcr_root/conf/aurora/etc'));
    await expect(diffFolder({ ...sync, path: '/conf/other' })).rejects.toMatchObject({ code: 'INVALID_CONTENT_FILE' });
    await writeFile(join(folder, '.satchel-sync.json'), 'no json');
    await expect(diffFolder(sync)).rejects.toMatchObject({ code: 'INVALID_CONTENT_FILE' });
    expect(session).toMatchObject({ sequence: before, hasPendingChanges: false });
  });

  it('says when neither side has anything at the path', async () => {
    const { folder, sync } = await world();
    for (const step of [pullFolder, pushFolder, diffFolder]) {
      await expect(step({ ...sync, path: '/conf/aurorra' })).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('that is a link, is not written through', async () => {
    const { session, folder, sync } = await world();
    const outside = await temporaryFolder();
    await pullFolder(sync);
    await rm(join(folder, 'jcr_root/conf/aurora/settings'), { recursive: true });
    await pushFolder(sync);
    await session.addNode(`${path}/settings`, { primaryType: 'sling:Folder' });
    await session.save();
    await rm(join(folder, 'jcr_root/conf'), { recursive: true });
    await symlink(outside, join(folder, 'jcr_root/conf'));
    await expect(pullFolder(sync)).rejects.toMatchObject({ code: 'INVALID_CONTENT_FILE' });
    expect(await readdir(outside)).toEqual([]);
  });

  it('holds any content: pulled here and pushed there, it is the same but for times', async () => {
    const times = /^jcr:(?:created|lastModified)/;
    const timeless = (content: Map<string, Record<string, Property>>) =>
      [...content].map(([at, properties]) => [at, Object.entries(properties).filter(([name]) => !times.test(name))]);
    await fc.assert(
      fc.asyncProperty(randomTree, async (tree) => {
        const from = await open();
        await writeTree(from, '/content/tree', tree);
        const folder = await temporaryFolder();
        await pullFolder({ session: from, path: '/content/tree', folder });
        expect(await diffFolder({ session: from, path: '/content/tree', folder })).toEqual([]);
        await rm(join(folder, '.satchel-sync.json'));
        const to = await open();
        await pushFolder({ session: to, path: '/content/tree', folder });
        expect(timeless(await contentOf(to, '/content/tree'))).toEqual(
          timeless(await contentOf(from, '/content/tree')),
        );
        expect(await diffFolder({ session: to, path: '/content/tree', folder })).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});
