/** `satchel template …`: what each command answers, and that a tenant's administrator never reaches another tenant. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import PostalMime from 'postal-mime';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { findChromium } from '../../activities/mail/authoring/take-picture.js';
import { setArchives } from '../../dam/download-job-store.js';
import { downloadsRoot } from '../../dam/download-job.js';
import { createAuthoringWorld, type AuthoringWorld } from '../mail/authoring-world.js';

let world: AuthoringWorld;

beforeAll(async () => {
  world = await createAuthoringWorld();
  for (const name of ['alpha', 'beta', 'emea', 'emea/south']) await world.addTenant(name);
  await world.run('user', 'add', 'reader', '--email', 'reader@example.com', '--group', 'dam-users');
  await world.run('permissions', 'grant', '/conf/alpha', 'reader', 'jcr:read');
  await world.run('user', 'add', 'outsider', '--email', 'outsider@example.com');
  await publish('beta', 'subject@en', 'Beta secret: {{title}}');
  await run('edit', 'beta', '--part', 'subject@en', '--value', 'Beta draft: {{title}}', '--as', 'beta-admin');
});
afterAll(async () => world.close());
afterEach(() => vi.unstubAllEnvs());

const template = 'downloadasset';
const run = (verb: string, tenant: string, ...args: string[]) =>
  world.run('template', verb, template, '--tenant', tenant, ...args);
const json = (verb: string, tenant: string, ...args: string[]) =>
  world.json('template', verb, template, '--tenant', tenant, ...args);
const failed = (code: string) => ({ error: { code } });

async function publish(tenant: string, part: string, value: string): Promise<void> {
  const as = ['--as', `${tenant.replaceAll('/', '-')}-admin`];
  const steps = [
    await run('edit', tenant, '--part', part, '--value', value, ...as),
    await run('publish', tenant, ...as),
  ];
  for (const { code, stderr } of steps) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

describe('satchel template list', () => {
  it('says which layer each language of each template comes from, and where a draft waits', async () => {
    await run('edit', 'alpha', '--part', 'body@en', '--from', '-', '--as', 'alpha-admin');
    const { document } = await world.json('template', 'list', '--tenant', 'alpha');
    const { templates } = document as {
      templates: { template: string; locale: string; layer: string; draft: boolean }[];
    };
    expect(templates).toContainEqual({ template, locale: 'de', layer: '/libs', draft: true });
    expect(templates).toContainEqual({
      template: 'transientworkflowcompleted',
      locale: 'de',
      layer: '/libs',
      draft: false,
    });
    await run('discard', 'alpha', '--as', 'alpha-admin');
  });

  it('shows every tenant with the layer of each part as a matrix', async () => {
    await publish('emea', 'theme.color', '#7a1f5c');
    const { document } = await world.json('template', 'list', '--matrix');
    const { rows } = document as { rows: { tenant: string; template: string; parts: Record<string, string> }[] };
    const row = (tenant: string) => rows.find((one) => one.tenant === tenant && one.template === template);
    expect(row('beta')?.parts).toMatchObject({
      'subject@en': '/conf/beta',
      'subject@de': '/libs',
      'theme.color': '/libs',
    });
    expect(row('emea/south')?.parts).toMatchObject({ 'subject@en': '/libs', 'theme.color': '/conf/emea' });
    const { stdout } = await world.run('template', 'list', '--matrix');
    const line = (tenant: string) => stdout.split('\n').find((one) => one.startsWith(`${tenant} `));
    expect(line('beta')).toMatch(/^beta +own\(en\) \/libs\(.*\) +\/libs +/);
    expect(line('emea/south')).toMatch(/ \/conf\/emea\(color\) \/libs +\/libs/);
  });
});

describe('satchel template show', () => {
  it('names for each part its layer, its place, and what it hides', async () => {
    await publish('emea/south', 'theme.color', '#123456');
    const { document } = await json('show', 'emea/south', '--locale', 'en', '--as', 'admin');
    const { parts } = document as {
      parts: { part: string; layer: string; source: string; hides: string[]; value: string }[];
    };
    const email = 'settings/dam/workflow/notification/email';
    expect(parts.find(({ part }) => part === 'theme.color')).toMatchObject({
      layer: '/conf/emea/south',
      source: `/conf/emea/south/${email}/theme/color`,
      hides: ['/conf/emea', '/libs'],
      value: '#123456',
    });
    expect(parts.find(({ part }) => part === 'body@en')).toMatchObject({
      layer: '/libs',
      source: `/libs/${email}/downloadasset/en.mjml`,
      hides: [],
    });
  });
});

describe('satchel template edit', () => {
  it('takes the text from a file, from standard input, or from an editor that shows what there is', async () => {
    const as = ['--as', 'alpha-admin'];
    await writeFile(path.join(world.folder, 'subject.txt'), 'From a file: {{title}}\n');
    await run('edit', 'alpha', '--part', 'subject@en', '--from', 'subject.txt', ...as);
    const subject = async () => {
      const { document } = await json('preview', 'alpha', '--locale', 'en', '--draft', '--out', 'x.html', ...as);
      return (document as { subject: string }).subject;
    };
    expect(await subject()).toBe('From a file: Summer Lookbook');
    const args = ['template', 'edit', template, '--tenant', 'alpha', '--part', 'subject@en', ...as];
    await world.runAnswering('From a pipe: {{title}}\n', ...args, '--from', '-');
    expect(await subject()).toBe('From a pipe: Summer Lookbook');
    await world.runAnswering('From an editor: {{title}}\n', ...args);
    expect(await subject()).toBe('From an editor: Summer Lookbook');
    expect(await json('edit', 'alpha', '--part', 'subject@en', '--value', 'x', '--lock', '1', ...as)).toMatchObject({
      code: 1,
      document: failed('TEMPLATE_CONFLICT'),
    });
    expect((await run('discard', 'alpha', ...as)).code).toBe(0);
    expect(await json('discard', 'alpha', ...as)).toMatchObject({ code: 2, document: failed('PATH_NOT_FOUND') });
  });

  it('makes a part inherit again', async () => {
    await publish('alpha', 'theme.color', '#abcdef');
    await run('edit', 'alpha', '--part', 'theme.color', '--inherit', '--as', 'alpha-admin');
    await run('publish', 'alpha', '--as', 'alpha-admin');
    const { document } = await json('show', 'alpha', '--as', 'alpha-admin');
    const { parts } = document as { parts: { part: string; layer: string }[] };
    expect(parts.find(({ part }) => part === 'theme.color')).toMatchObject({ layer: '/libs' });
  });

  it.each([
    [['--part', 'theme.color', '--value', 'x', '--from', 'y'], 'INVALID_REQUEST'],
    [['--part', 'logo', '--value', 'x'], 'INVALID_REQUEST'],
    [['--part', 'subject@en', '--from', 'absent.txt'], 'INVALID_REQUEST'],
    [['--part', 'subject@en', '--value', 'x', '--lock', 'one'], 'INVALID_REQUEST'],
  ])('refuses %j', async (args, code) => {
    expect(await json('edit', 'alpha', ...args, '--as', 'alpha-admin')).toMatchObject({
      code: 2,
      document: failed(code),
    });
  });
});

describe('satchel template preview', () => {
  it('writes text and the complete message', async () => {
    await json('preview', 'alpha', '--locale', 'fr', '--format', 'text', '--out', 'mail.txt');
    expect(await readFile(path.join(world.folder, 'mail.txt'), 'utf8')).toContain('summer-lookbook-part-1-of-2.zip');
    await json('preview', 'beta', '--locale', 'en', '--format', 'source', '--out', 'mail.eml');
    const mail = await PostalMime.parse(await readFile(path.join(world.folder, 'mail.eml')));
    expect(mail).toMatchObject({ subject: 'Beta secret: Summer Lookbook' });
    expect(mail.html).toMatch(/^<!doctype html>/i);
  });

  it('shows pictures in the file, and says what an author should know', async () => {
    const logo = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#a00' } })
      .png()
      .toBuffer();
    await world.satchel.repository.withSession('admin', async (session) => {
      const file = '/content/dam/alpha/logo.png';
      await session.ensureNode(file, { primaryType: 'nt:file' });
      await session.ensureNode(`${file}/jcr:content`, { primaryType: 'nt:resource' });
      await session.setProperties(`${file}/jcr:content`, { 'jcr:data': await session.createBinary(logo) });
      await session.save();
    });
    const as = ['--as', 'alpha-admin'];
    await run('edit', 'alpha', '--part', 'theme.logo', '--value', '/content/dam/alpha/logo.png', ...as);
    await run('edit', 'alpha', '--part', 'theme.color', '--value', '#ffee00', ...as);
    const args = ['--draft', '--locale', 'en', '--out', 'logo.html'];
    const { document } = await json('preview', 'alpha', ...args);
    const html = await readFile(path.join(world.folder, 'logo.html'), 'utf8');
    const [, shown = ''] = /src="data:image\/png;base64,([^"]+)"/.exec(html) ?? [];
    expect(await sharp(Buffer.from(shown, 'base64')).metadata()).toMatchObject({ format: 'png', width: 8 });
    expect(html).not.toContain('cid:');
    const { remarks } = document as { remarks: { message: string }[] };
    expect(remarks.map(({ message }) => message)).toEqual([expect.stringContaining('on "color" (#ffee00)')]);
    expect((await run('preview', 'alpha', ...args)).stdout).toMatch(/^note {5}.*"color" \(#ffee00\)/m);
    await run('discard', 'alpha', ...as);
  });

  it('takes a picture where there is a Chromium, and says what is missing where there is none', async () => {
    const picture = ['--format', 'png', '--width', '400', '--out', 'mail.png'];
    if ((await findChromium(process.env['PATH'] ?? '')) !== undefined) {
      expect(await json('preview', 'alpha', ...picture)).toMatchObject({ code: 0 });
      expect(await sharp(path.join(world.folder, 'mail.png')).metadata()).toMatchObject({ format: 'png', width: 400 });
    }
    vi.stubEnv('PATH', path.join(world.folder, 'nothing-here'));
    expect(await json('preview', 'alpha', ...picture)).toMatchObject({
      code: 2,
      document: failed('PREVIEW_UNAVAILABLE'),
    });
  });

  it('writes every mail of every tenant that may be read, and one page that shows them', async () => {
    const all = await world.json('template', 'preview', '--all-tenants', '--out', 'all');
    const { previews } = all.document as {
      previews: { tenant: string; template: string; locale: string; file: string }[];
    };
    expect(all.code).toBe(0);
    expect(new Set(previews.map(({ tenant }) => tenant))).toEqual(
      new Set(['global', 'alpha', 'beta', 'emea', 'emea/south']),
    );
    expect(previews).toHaveLength(5 * 4 * 4);
    const page = await readFile(path.join(world.folder, 'all/index.html'), 'utf8');
    for (const { file } of previews) {
      expect(page).toContain(`src="${file}"`);
      expect(await readFile(path.join(world.folder, 'all', file), 'utf8')).toMatch(/^<!doctype html>/i);
    }
    const own = await world.json('template', 'preview', '--all-tenants', '--out', 'own', '--as', 'alpha-admin');
    const seen = (own.document as { previews: { tenant: string }[] }).previews.map(({ tenant }) => tenant);
    expect(new Set(seen)).toEqual(new Set(['global', 'alpha']));
  });

  it('takes the data of a real download that the caller may see and that is of the tenant', async () => {
    const { satchel } = world;
    const download = async (user: string, tenant: string) => {
      const folder = `/content/dam/${tenant}`;
      await satchel.repository.withSession('admin', async (session) => {
        await session.ensureNode(`${folder}/a.txt`, { primaryType: 'dam:Asset' });
        await session.ensureNode(`${folder}/a.txt/jcr:content/renditions/original`, { primaryType: 'nt:file' });
        await session.ensureNode(`${folder}/a.txt/jcr:content/renditions/original/jcr:content`, {
          primaryType: 'nt:resource',
          properties: { 'jcr:data': await session.createBinary('text') },
        });
        await session.setProperties(folder, {
          'sling:configRef': `/conf/${tenant}`,
          'jcr:title': `Album of ${tenant}`,
        });
        await session.save();
      });
      const { id } = await satchel.engine.requestDownload(user, { paths: [folder] });
      await satchel.repository.withSession({ service: 'workflow' }, async (session) => {
        await setArchives(session, `${downloadsRoot}/${id}`, { format: 1, parts: [], skipped: [] });
        await session.save();
      });
      return id;
    };
    const preview = async (tenant: string, id: string, user: string) =>
      json('preview', tenant, '--locale', 'en', '--job', id, '--out', 'job.html', '--as', user);
    const own = await download('alpha-admin', 'alpha');
    expect(await preview('alpha', own, 'alpha-admin')).toMatchObject({
      code: 0,
      document: { subject: 'Your download is ready: Album of alpha' },
    });
    const ofBeta = await download('beta-admin', 'beta');
    const ownOfBeta = await download('alpha-admin', 'beta');
    for (const id of [ofBeta, ownOfBeta, 'absent']) {
      expect(await preview('alpha', id, 'alpha-admin')).toMatchObject({ code: 2, document: failed('UNKNOWN_JOB') });
    }
  });
});

describe('satchel template send-test', () => {
  it('goes to oneself with its subject marked, and to others only where they may get mail of the tenant', async () => {
    const as = ['--as', 'alpha-admin'];
    expect(await json('send-test', 'alpha', '--locale', 'en', ...as)).toMatchObject({
      code: 0,
      document: {
        to: 'alpha-admin@example.com',
        subject: '[Test] Your download is ready: Summer Lookbook',
        state: 'sent',
      },
    });
    expect(await json('send-test', 'alpha', '--to', 'reader@example.com', ...as)).toMatchObject({ code: 0 });
    for (const to of ['outsider@example.com', 'nobody@example.com', 'a@b\r\nBcc: c@d']) {
      expect(await json('send-test', 'alpha', '--to', to, ...as)).toMatchObject({
        code: 2,
        document: failed('RECIPIENT_NOT_ALLOWED'),
      });
    }
    expect(await json('send-test', 'alpha')).toMatchObject({ code: 2, document: failed('INVALID_REQUEST') });
  });
});

describe('a tenant’s administrator', () => {
  const commands: readonly (readonly [string, ...string[]])[] = [
    ['show'],
    ['history'],
    ['diff'],
    ['upstream'],
    ['upstream', '--merge'],
    ['customise', '--part', 'subject@en'],
    ['edit', '--part', 'subject@en', '--value', 'Mine'],
    ['discard'],
    ['preview', '--out', 'other.html'],
    ['preview', '--draft', '--out', 'other.html'],
    ['send-test'],
    ['publish'],
    ['rollback'],
    ['rollback', '--to', '0'],
  ];
  it.each(commands.map((command) => [command.join(' '), command] as const))(
    'gets the same answer for another tenant as for none: %s',
    async (_name, [verb, ...args]) => {
      const other = await run(verb, 'beta', ...args, '--as', 'alpha-admin');
      const none = await run(verb, 'zeta', ...args, '--as', 'alpha-admin');
      expect(other.code).toBe(2);
      expect(other.stderr).toContain('PATH_NOT_FOUND');
      expect(other.stderr.replaceAll('beta', 'X')).toBe(none.stderr.replaceAll('zeta', 'X'));
      expect(other.stdout).toBe('');
    },
  );

  it('changed nothing of it', async () => {
    const { document } = await json('history', 'beta');
    expect((document as { versions: unknown[] }).versions).toHaveLength(1);
    const { stdout } = await run('diff', 'beta');
    expect(stdout).toContain('+Beta draft: {{title}}');
  });

  it('does not see it in lists, nor its drafts and versions in the repository', async () => {
    const { stdout } = await world.run('template', 'list', '--matrix', '--as', 'alpha-admin');
    expect(stdout).toMatch(/^alpha /m);
    expect(stdout).not.toMatch(/beta|emea/);
    for (const place of ['drafts/downloadasset', 'versions/downloadasset/1']) {
      const at = `/conf/beta/satchel:mail/${place}`;
      expect((await world.json('get', at, '--as', 'beta-admin')).code).toBe(0);
      expect(await world.json('get', at, '--as', 'alpha-admin')).toMatchObject({ document: failed('PATH_NOT_FOUND') });
    }
  });

  it('may look at what every tenant inherits, and not change it', async () => {
    expect((await run('show', 'global', '--as', 'alpha-admin')).code).toBe(0);
    for (const [verb, ...args] of [
      ['customise', '--part', 'subject'],
      ['publish'],
      ['rollback'],
      ['send-test'],
    ] as const) {
      const refused = await json(verb, 'global', ...args, '--as', 'alpha-admin');
      expect(refused).toMatchObject({ code: 2, document: failed('NOT_ALLOWED') });
    }
  });

  it('is told when a layer that may not be read takes part in what is sent', async () => {
    const shown = await run('show', 'emea/south', '--as', 'emea-south-admin');
    expect(shown).toMatchObject({ code: 0, stderr: expect.stringContaining('/conf/emea') as string });
    expect((await run('show', 'alpha', '--as', 'alpha-admin')).stderr).toBe('');
  });

  it('may not change a tenant that may only be read', async () => {
    expect((await run('show', 'alpha', '--as', 'reader')).code).toBe(0);
    expect(await json('edit', 'alpha', '--part', 'theme.color', '--value', '#111111', '--as', 'reader')).toMatchObject({
      code: 2,
      document: failed('NOT_ALLOWED'),
    });
  });
});
