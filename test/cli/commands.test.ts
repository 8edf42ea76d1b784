import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;

beforeAll(async () => {
  world = await createCommandWorld();
  await world.satchel.repository.withSession(adminUser, async (session) => {
    await session.ensureNode('/content/dam/brands/aurora/jcr:content', {
      properties: { 'sling:configRef': '/conf/aurora', 'jcr:title': 'Aurora \u001b[31mred' },
    });
    await session.ensureNode('/content/dam/empty');
    for (const path of ['/content/plain/a/b/c', '/content/plain/d']) await session.ensureNode(path);
    await session.ensureNode('/content/secret', { properties: { count: 3, big: 2n ** 60n, tags: ['a', 'b'] } });
    await session.ensureNode('/conf/aurora/settings/dam/download', { properties: { maxAssets: 7 } });
    await session.save();
  });
  await world.run('user', 'add', 'ada', '--email', 'ada@example.com', '--group', 'dam-users');
  await writeFile(path.join(world.folder, 'note.txt'), 'a note');
});
afterAll(async () => world.close());

const failed = (code: string) => ({ error: { code } });

describe('every command', () => {
  it('says as whom it works when nobody was named, and only then', async () => {
    expect((await world.run('tree', '/content')).stderr).toContain('as admin, the local administrator');
    expect((await world.run('tree', '/content/dam', '--as', 'ada')).stderr).toBe('');
  });
  it('ends with 2 for a user who does not exist', async () => {
    expect(await world.json('tree', '/content', '--as', 'nobody')).toMatchObject({
      code: 2,
      document: failed('UNKNOWN_USER'),
    });
  });
  it('does not tell what may not be read from what does not exist', async () => {
    const secret = await world.run('get', '/content/secret', '--as', 'ada');
    const absent = await world.run('get', '/content/absent', '--as', 'ada');
    expect(secret.code).toBe(2);
    expect(secret.stderr.replaceAll('secret', 'X')).toBe(absent.stderr.replaceAll('absent', 'X'));
  });
});

describe('satchel tree', () => {
  it('draws the nodes below a path, as deep as asked', async () => {
    const { code, stdout } = await world.run('tree', '/content/plain', '--depth', '2');
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ \[.*\]$/, ''));
    expect(lines).toEqual(['/content/plain', '├─ a', '│  └─ b', '└─ d']);
  });
  it('is one document with --json', async () => {
    const { document } = await world.json('tree', '/content/plain', '--depth', '2');
    expect(document).toMatchObject({
      root: '/content/plain',
      nodes: [
        { path: '/content/plain/a', level: 1 },
        { path: '/content/plain/a/b', level: 2 },
        { path: '/content/plain/d', level: 1 },
      ],
    });
  });
});

describe('satchel get', () => {
  it('gives properties with their types', async () => {
    const { code, document } = await world.json('get', '/content/secret');
    expect(code).toBe(0);
    expect(document).toMatchObject({
      path: '/content/secret',
      primaryType: 'nt:unstructured',
      properties: {
        count: { type: 'Long', value: 3 },
        big: { type: 'Long', value: '1152921504606846976' },
        tags: { type: 'String', values: ['a', 'b'] },
      },
    });
  });
  it('shows content that would steer the terminal as text', async () => {
    const { stdout } = await world.run('get', '/content/dam/brands/aurora/jcr:content');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('\\u001b[31mred');
  });
  it('ends with 2 for a path that breaks the grammar', async () => {
    expect(await world.json('get', 'content')).toMatchObject({ code: 2, document: failed('INVALID_PATH') });
  });
});

describe('satchel explain', () => {
  it('names the layer of each part for the tenant of a content path', async () => {
    const { code, document } = await world.json(
      'explain',
      'settings/dam/download',
      '--for',
      '/content/dam/brands/aurora',
    );
    expect(code).toBe(0);
    expect(document).toMatchObject({ tenant: 'aurora', referencedAt: '/content/dam/brands/aurora' });
    const { resource } = document as { resource: { properties: { name: string; layer: string }[] } };
    expect(resource.properties.find(({ name }) => name === 'maxAssets')).toMatchObject({ layer: '/conf/aurora' });
  });
  it('takes a path below /conf as its tenant, and a property as a path', async () => {
    const { document } = await world.json('explain', '/conf/aurora/settings/dam/download/maxAssets');
    expect(document).toMatchObject({
      tenant: 'aurora',
      resource: { properties: [{ name: 'maxAssets', values: ['7'] }] },
    });
    const text = await world.run('explain', '/conf/aurora/settings/dam/download/maxAssets');
    expect(text.stdout).toContain('maxAssets');
  });
  it('ends with 2 for what no layer has, and for a tenant that does not exist', async () => {
    expect(await world.json('explain', 'settings/no/such')).toMatchObject({
      code: 2,
      document: failed('PATH_NOT_FOUND'),
    });
    expect((await world.run('explain', 'settings/dam/download', '--tenant', 'nobody')).code).toBe(2);
  });
});

describe('satchel user', () => {
  it('adds users with a profile, groups and a password that is never shown', async () => {
    const added = await world.runAnswering(
      'correct horse',
      'user',
      'add',
      'bob',
      '--name',
      'Bob B.',
      '--language',
      'de-CH',
      '--group',
      'dam-users',
      '--password',
      '--json',
    );
    expect(added.code).toBe(0);
    const { document } = await world.json('user', 'list');
    const { users } = document as { users: { id: string; groups: string[] }[] };
    const bob = users.find(({ id }) => id === 'bob');
    expect(bob).toMatchObject({ displayName: 'Bob B.', language: 'de-CH', disabled: false });
    expect(bob?.groups).toContain('dam-users');
    expect(added.stdout + JSON.stringify(document)).not.toMatch(/correct horse|argon2/);
    const node = await world.satchel.repository.withSession(adminUser, async (session) =>
      session.getNode('/home/users/bob'),
    );
    expect(node.text('satchel:passwordHash')).toMatch(/^\$argon2id\$/);
  });
  it.each([
    ['a name that is taken', ['ada'], '', 'ITEM_EXISTS'],
    ['a group that does not exist', ['carl', '--group', 'nobody'], '', 'PATH_NOT_FOUND'],
    ['an address that is none', ['carl', '--email', 'carl'], '', 'INVALID_REQUEST'],
    ['a password that is too short', ['carl', '--password'], 'short', 'INVALID_REQUEST'],
  ])('refuses %s with 2', async (_title, args, password, code) => {
    const result = await world.runAnswering(password, 'user', 'add', ...args, '--json');
    expect(result.code).toBe(2);
    expect(JSON.parse(result.stdout)).toMatchObject(failed(code));
  });
});

describe('satchel upload', () => {
  it('adds the file as an asset', async () => {
    const { code, document } = await world.json('upload', 'note.txt', '--to', '/content/dam/notes', '--no-wait');
    expect(code).toBe(0);
    expect(document).toMatchObject({ assets: ['/content/dam/notes/note.txt'] });
    const { document: node } = await world.json(
      'get',
      '/content/dam/notes/note.txt/jcr:content/renditions/original/jcr:content',
    );
    expect(node).toMatchObject({ properties: { 'jcr:data': { type: 'Binary', value: { size: 6 } } } });
  });
  it('adds all files or none', async () => {
    const file = path.join(world.folder, 'other.txt');
    await writeFile(file, 'other');
    const result = await world.json('upload', 'other.txt', 'note.txt', '--to', '/content/dam/notes', '--no-wait');
    expect(result).toMatchObject({ code: 2, document: failed('ITEM_EXISTS') });
    expect((await world.run('get', '/content/dam/notes/other.txt')).code).toBe(2);
  });
  it('refuses what is no file, and who may not write there, with 2', async () => {
    expect(await world.json('upload', 'absent.txt', '--to', '/content/dam/notes')).toMatchObject({
      code: 2,
      document: failed('INVALID_REQUEST'),
    });
    await mkdir(path.join(world.folder, 'folder'));
    expect((await world.run('upload', 'folder', '--to', '/content/dam/notes')).code).toBe(2);
    expect((await world.run('upload', 'note.txt', '--to', '/content/dam/new', '--as', 'ada')).code).toBe(2);
  });
});

describe('satchel download', () => {
  it('plans without running anything', async () => {
    const { code, document } = await world.json('download', '/content/dam/notes', '--plan');
    expect(code).toBe(0);
    expect(document).toMatchObject({
      totals: { assets: 1, files: 1, estimated: false },
      entries: [{ asset: '/content/dam/notes/note.txt' }],
    });
    expect((await world.json('jobs', 'list', '--as', 'ada')).document).toEqual({ jobs: [] });
  });
  it.each([
    ['a path that does not exist', ['/content/dam/absent'], 'PATH_NOT_FOUND'],
    ['a path that may not be read', ['/content/secret', '--as', 'ada'], 'PATH_NOT_FOUND'],
    ['an empty folder', ['/content/dam/empty'], 'NOTHING_SELECTED'],
    ['a rendition no asset has', ['/content/dam/notes', '--renditions', 'nope.*'], 'NOTHING_SELECTED'],
    ['an unknown user', ['/content/dam/notes', '--as', 'nobody'], 'UNKNOWN_USER'],
    ['an unknown tenant', ['/content/dam/notes', '--tenant', 'nobody'], 'UNKNOWN_TENANT'],
    ['a recipient from outside', ['/content/dam/notes', '--email', 'eve@example.org'], 'RECIPIENT_NOT_ALLOWED'],
    ['an address that is none', ['/content/dam/notes', '--email', 'eve'], 'INVALID_REQUEST'],
  ])('refuses %s with 2, and starts nothing', async (_title, args, code) => {
    expect(await world.json('download', ...args)).toMatchObject({ code: 2, document: failed(code) });
  });
  it('keeps a request that is not waited for, lists it and cancels it', async () => {
    const { code, document } = await world.json(
      'download',
      '/content/dam/notes',
      '--as',
      'ada',
      '--no-wait',
      '--no-notify',
    );
    expect(code).toBe(0);
    const { id } = document as { id: string };
    expect((await world.json('jobs', 'list', '--as', 'ada')).document).toMatchObject({
      jobs: [{ id, state: 'queued' }],
    });
    expect((await world.run('jobs', 'show', id, '--as', 'ada')).stdout).toMatch(/^queued /);
    expect((await world.run('jobs', 'cancel', id, '--as', 'ada')).code).toBe(0);
    expect((await world.run('jobs', 'show', id, '--as', 'ada')).stdout).toMatch(/^cancelled /);
    expect((await world.json('jobs', 'list', '--as', 'ada')).document).toMatchObject({
      jobs: [{ id, state: 'cancelled' }],
    });
  });
  it('shows a job to its user and to administrators only', async () => {
    const { document } = await world.json('download', '/content/dam/notes', '--no-wait', '--no-notify');
    const { id } = document as { id: string };
    expect(await world.json('jobs', 'cancel', id, '--as', 'ada')).toMatchObject({
      code: 2,
      document: failed('UNKNOWN_JOB'),
    });
    expect((await world.run('jobs', 'cancel', id)).code).toBe(0);
  });
});

describe('satchel template preview', () => {
  it('writes the mail as HTML and text, and says where its parts came from', async () => {
    const { code, document } = await world.json('template', 'preview', 'downloadasset', '--out', 'preview.html');
    expect(code).toBe(0);
    expect(document).toMatchObject({
      template: 'downloadasset',
      tenant: 'global',
      locale: 'en',
      file: path.join(world.folder, 'preview.html'),
    });
    expect(await readFile(path.join(world.folder, 'preview.html'), 'utf8')).toMatch(/^<!doctype html>/i);
    expect((await readFile(path.join(world.folder, 'preview.txt'), 'utf8')).length).toBeGreaterThan(20);
  });
  it.each([
    ['a template that does not exist', ['nope', '--out', 'x.html'], 'UNKNOWN_TEMPLATE'],
    ['a file that cannot be written', ['downloadasset', '--out', 'no/such/folder/x.html'], 'OUT_FOLDER'],
  ])('refuses %s with 2', async (_title, args, code) => {
    expect(await world.json('template', 'preview', ...args)).toMatchObject({ code: 2, document: failed(code) });
  });
});

describe('satchel install', () => {
  it('refuses a package that is none with 2', async () => {
    expect(await world.json('install', 'note.txt')).toMatchObject({ code: 2, document: failed('INVALID_PACKAGE') });
    expect((await world.run('install', 'absent.zip')).code).toBe(2);
  });
});

describe('satchel mail', () => {
  it('lists nothing before anything was sent, and knows no mail', async () => {
    expect(await world.json('mail', 'list')).toEqual({ code: 0, document: { mails: [] } });
    expect(await world.json('mail', 'show', 'nope')).toMatchObject({ code: 2, document: failed('PATH_NOT_FOUND') });
  });
});
