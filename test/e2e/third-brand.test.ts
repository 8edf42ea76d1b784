/**
 * A third brand that no file of the product knows: two small overlay files, written while Satchel runs. Its mail differs
 * from the one of /libs in those two parts and nowhere else, and `explain` says so.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailboxMail } from '../../activities/mail/mailbox.js';
import type { RunningSatchel } from '../../cli/demo/satchel-process.js';
import type { JobView } from '../../engine/api.js';
import type { ExplainedResource, Explanation } from '../../repository/overlay/explain.js';
import { pictureAsset, writeContentPackage } from './support/content-package.js';
import { createSatchelWorld, type SatchelWorld } from './support/satchel-world.js';

const root = '/content/dam/brands';
const templates = 'dam/workflow/notification/email';
const brand = '/conf/third';
const libsColor = '#0b5c6b';
const brandColor = '#7a1fa2';
const brandSubject = 'Third delivers {{title}}';

let world: SatchelWorld;
let running: RunningSatchel;

beforeAll(async () => {
  world = await createSatchelWorld();
  const { folder, dataFolder, satchel } = world;
  for (const name of ['data', 'overlays/apps', 'overlays/conf'])
    await mkdir(path.join(folder, name), { recursive: true });
  await writeFile(path.join(dataFolder, 'satchel.json'), JSON.stringify({ overlays: ['../overlays'] }));
  running = await world.start();
  // The same picture under the same name: only the folder's reference tells them apart.
  const content = await writeContentPackage(path.join(folder, 'brands.zip'), root, {
    folders: [
      { path: `${root}/plain`, title: 'Spring' },
      { path: `${root}/third`, title: 'Spring', configRef: brand },
    ],
    assets: [await pictureAsset(`${root}/plain/leaf.jpg`, 7), await pictureAsset(`${root}/third/leaf.jpg`, 7)],
  });
  await satchel.run(['install', content]);
  await satchel.run(['user', 'add', 'mara', '--name', 'Mara', '--email', 'mara@example.com', '--group', 'dam-users']);
}, 120_000);

afterAll(async () => {
  await running.stop();
  await world.close();
});

interface Sent {
  readonly job: JobView;
  readonly mail: MailboxMail;
}

async function download(folder: string): Promise<Sent> {
  const { satchel } = world;
  const args = ['download', `${root}/${folder}`, '--as', 'mara', '--name', 'spring'];
  const job = (await satchel.json(args)) as JobView;
  const { mails } = (await satchel.json(['mail', 'list'])) as { mails: { id: string; messageId: string }[] };
  const [sent] = job.mails;
  const row = mails.find(({ messageId }) => messageId === sent?.messageId);
  return { job, mail: (await satchel.json(['mail', 'show', row?.id ?? ''])) as MailboxMail };
}

async function writeOverlay(resource: string, properties: Readonly<Record<string, string>>): Promise<void> {
  const folder = path.join(world.folder, 'overlays/conf/third/settings', templates, resource);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, '.content.json'), JSON.stringify(properties));
}

async function explain(
  resource: string,
  ...args: readonly string[]
): Promise<Explanation & { readonly tenant: string }> {
  return (await world.satchel.json(['explain', resource, ...args])) as Explanation & { readonly tenant: string };
}

/** Every property of a resource and below: its path, with the layer that owns it. */
function ownersOf({ path: at, properties, children }: ExplainedResource): [string, string][] {
  const own = properties.map(({ name, layer }): [string, string] => [`${at}/${name}`, layer]);
  return [...own, ...children.flatMap(ownersOf)];
}

/** What differs from run to run, not from brand to brand. */
function withoutRun({ job }: Sent, text: string | undefined): string {
  return (text ?? '').replaceAll(job.id, 'JOB');
}

describe('a brand written at run time', () => {
  let libs: Sent;
  let third: Sent;

  beforeAll(async () => {
    const before = await download('third');
    expect({ tenant: before.job.tenant, color: before.mail.html?.includes(libsColor) }).toEqual({
      tenant: 'global',
      color: true,
    });
    await writeOverlay('theme', { color: brandColor });
    await writeOverlay('downloadasset/subject', { en: brandSubject });
    await untilInForce();
    libs = await download('plain');
    third = await download('third');
  }, 120_000);

  async function untilInForce(): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const { exitCode, stdout } = await world.satchel.run(
        ['explain', `${templates}/downloadasset/subject`, '--tenant', 'third', '--json'],
        { accept: [0, 2] },
      );
      if (exitCode === 0 && stdout.includes(brandSubject)) return;
      if (Date.now() > deadline) throw new Error(`waited 30 seconds for the new brand:\n${stdout}`);
      await wait(100);
    }
  }

  it('is the tenant of its folder, and of no other', () => {
    expect([libs.job.tenant, third.job.tenant]).toEqual(['global', 'third']);
    expect([libs.job.state, third.job.state]).toEqual(['completed', 'completed']);
  });

  it('has its subject and its colour in the mail, and everything else as /libs has it', () => {
    expect([libs.mail.subject, third.mail.subject]).toEqual([
      'Your download is ready: spring',
      'Third delivers spring',
    ]);

    const html = withoutRun(libs, libs.mail.html);
    expect(html).toContain(libsColor);
    // The subject is the page's title too.
    expect(html).toContain(`<title>${libs.mail.subject}</title>`);
    expect(withoutRun(third, third.mail.html)).toBe(
      html.replaceAll(libsColor, brandColor).replaceAll(libs.mail.subject, third.mail.subject),
    );
    expect(withoutRun(third, third.mail.text)).toBe(withoutRun(libs, libs.mail.text));

    const otherHeaders = ({ mail }: Sent) =>
      mail.headers.filter(({ name }) => !['Subject', 'Message-ID', 'Date', 'Content-Type'].includes(name));
    expect(otherHeaders(third)).toEqual(otherHeaders(libs));
  });

  it('is told apart part by part in the record of the mail', () => {
    const [libsLayers = {}, thirdLayers = {}] = [libs, third].map(({ job }) => job.mails[0]?.layers);
    expect(new Set(Object.values(libsLayers))).toEqual(new Set(['/libs']));
    expect(thirdLayers).toEqual({ ...libsLayers, subject: brand, 'theme.color': brand });
    expect(Object.keys(libsLayers)).toEqual(expect.arrayContaining(['body', 'partials/header', 'theme.radius']));
  });

  it('is explained: the two parts by its layer, all others by /libs', async () => {
    const [theme, subject] = await Promise.all(
      ['theme', 'downloadasset/subject'].map(async (name) =>
        explain(`settings/${templates}/${name}`, '--tenant', 'third'),
      ),
    );
    expect(theme?.layers.map(({ label, used }) => [label, used])).toEqual([
      [brand, true],
      ['/conf/global', false],
      ['/apps', false],
      ['/libs', true],
    ]);
    expect(theme?.resource?.properties.find(({ name }) => name === 'color')).toMatchObject({
      layer: brand,
      source: `${brand}/settings/${templates}/theme`,
      values: [brandColor],
      overrides: [{ layer: '/libs', values: [libsColor] }],
    });
    expect(subject?.resource?.properties.find(({ name }) => name === 'en')).toMatchObject({
      layer: brand,
      values: [brandSubject],
    });

    const all = await explain(`settings/${templates}`, '--for', `${root}/third/leaf.jpg`);
    expect(all.tenant).toBe('third');
    if (!all.resource) throw new Error('the templates resolve for the brand');
    // What the repository itself notes on the nodes that lead to the two properties.
    const automatic = /\/jcr:(primaryType|created|createdBy)$/;
    const owners = ownersOf(all.resource).filter(([name]) => !automatic.test(name));
    expect(owners.length).toBeGreaterThan(50);
    expect(Object.fromEntries(owners.filter(([, layer]) => layer !== '/libs'))).toEqual({
      [`${templates}/theme/color`]: brand,
      [`${templates}/downloadasset/subject/en`]: brand,
    });
  });

  it('changes nothing for who has no brand', async () => {
    const { resource, tenant } = await explain(`settings/${templates}`, '--for', `${root}/plain/leaf.jpg`);
    expect(tenant).toBe('global');
    expect(new Set(resource && ownersOf(resource).map(([, layer]) => layer))).toEqual(new Set(['/libs']));
  });
});
