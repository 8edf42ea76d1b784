/** E4, E6: drafts, publishing, versions and upstream changes of templates. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeDraft, findDraft, getDraft, type DraftChange } from '../../activities/mail/authoring/drafts.js';
import { readPartName } from '../../activities/mail/authoring/part-name.js';
import { renderPreview } from '../../activities/mail/authoring/preview.js';
import { publishDraft, rollBack } from '../../activities/mail/authoring/publish.js';
import { compareUpstream, mergeUpstream } from '../../activities/mail/authoring/upstream.js';
import { listVersions } from '../../activities/mail/authoring/versions.js';
import { templatesPath } from '../../activities/mail/template-source.js';
import type { Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import type { SatchelError } from '../../workflows/contract/errors.js';
import { createAuthoringWorld, type AuthoringWorld } from './authoring-world.js';
import { templatesFolder } from './template-files.js';

const template = 'downloadasset';
let world: AuthoringWorld;
let inFiles: string;

beforeAll(async () => {
  world = await createAuthoringWorld(async (folder) => {
    inFiles = path.join(folder, 'overlays/conf/filed');
    await mkdir(path.join(inFiles, 'settings/tenant'), { recursive: true });
    await writeFile(path.join(inFiles, 'settings/tenant/.content.json'), '{ "jcr:title": "Filed" }\n');
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data/satchel.json'), JSON.stringify({ overlays: ['../overlays'] }));
  });
});
afterAll(async () => world.close());

interface Author {
  readonly session: Session;
  readonly tenant: Tenant;
  readonly template: string;
}

/** A tenant of its own for each test, with its administrator. */
async function author(name: string): Promise<Author> {
  const tenant = await world.addTenant(name);
  return { session: await world.login(`${name.replaceAll('/', '-')}-admin`), tenant, template };
}

const edit = (of: Author, part: string, text: string | null | undefined, lock?: number) =>
  changeDraft(of.session, world.satchel.overlay, of, [{ part: readPartName(part), text } satisfies DraftChange], {
    lock,
  });
const publish = (of: Author, comment?: string) => publishDraft(world.services, of.session, of, { comment });
const subjectOf = async ({ session, tenant }: Author, locale: string, draft = false, of = template) =>
  (await renderPreview(world.satchel, session, { tenant, template: of, locale, draft })).subject;
const failing = (code: string) => ({ code });
const bodyOf = (text: string, title = 'T') =>
  `<mjml><mj-head><mj-title>${title}</mj-title></mj-head><mj-body><mj-section><mj-column><mj-text>\n${text}\n</mj-text></mj-column></mj-section></mj-body></mjml>`;

describe('a draft', () => {
  it('copies one part, remembers what it was made from, and changes nothing that is in force', async () => {
    const of = await author('draft');
    const draft = await edit(of, 'subject@de', undefined);
    expect(draft).toMatchObject({ lockVersion: 1, author: 'draft-admin' });
    expect(draft.parts).toEqual({
      'subject@de': {
        text: 'Ihr Download ist bereit: {{title}}',
        published: null,
        base: {
          text: 'Ihr Download ist bereit: {{title}}',
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          layer: '/libs',
          source: `/libs/settings/${templatesPath}/downloadasset/de.mjml#mj-title`,
        },
      },
    });
    await edit(of, 'subject@de', 'Neu: {{title}}');
    expect(await subjectOf(of, 'de')).toBe('Ihr Download ist bereit: Summer Lookbook');
    expect(await subjectOf(of, 'de', true)).toBe('Neu: Summer Lookbook');
    expect(await subjectOf(of, 'de')).toBe('Ihr Download ist bereit: Summer Lookbook');
    expect(of.session.hasPendingChanges).toBe(false);
  });

  it('takes no change that was made from another version of it', async () => {
    const of = await author('stale');
    await edit(of, 'theme.color', '#111111', 0);
    await expect(edit(of, 'theme.color', '#222222', 0)).rejects.toMatchObject(failing('TEMPLATE_CONFLICT'));
    await edit(of, 'theme.color', '#333333', 1);
    expect((await getDraft(of.session, of.tenant, template)).parts['theme.color']?.text).toBe('#333333');
  });

  it('takes one of two changes at the same moment', async () => {
    const of = await author('both');
    await edit(of, 'theme.color', '#111111');
    const second = { ...of, session: await world.login('both-admin') };
    const outcomes = await Promise.allSettled([
      edit(of, 'theme.color', '#222222', 1),
      edit(second, 'theme.color', '#333333', 1),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: failing('TEMPLATE_CONFLICT'),
    });
    expect((await getDraft(of.session, of.tenant, template)).lockVersion).toBe(2);
  });
});

describe('publishing', () => {
  it('writes the parts and a version, says where, and does nothing a second time', async () => {
    const of = await author('plain');
    await edit(of, 'subject@de', 'Neu: {{title}}');
    await edit(of, 'own/partial:header', '<!-- nothing on top -->');
    const published = await publish(of, 'Simpler');
    expect(published).toMatchObject({
      version: 1,
      published: true,
      parts: ['subject@de', 'own/partial:header'],
      rendered: 4,
    });
    expect(published.written.every(({ to }) => to === 'repository')).toBe(true);
    expect(await subjectOf(of, 'de')).toBe('Neu: Summer Lookbook');
    expect(await findDraft(of.session, of.tenant, template)).toBeUndefined();
    expect(await publish(of)).toMatchObject({ version: 1, published: false, written: [] });
    expect(await listVersions(of.session, of.tenant, template)).toMatchObject([
      { number: 1, author: 'plain-admin', comment: 'Simpler', restored: undefined },
    ]);
    // The header of the other template is the shared one still.
    const other = await renderPreview(world.satchel, of.session, {
      tenant: of.tenant,
      template: 'transientworkflowcompleted',
      locale: 'de',
    });
    expect(other.layers['partials/header']).toBe('/libs');
  });

  it('writes the file where the tenant lives in a content folder', async () => {
    const tenant = await world.tenant('filed');
    const of: Author = { session: await world.login('admin'), tenant, template };
    await edit(of, 'subject@en', 'Filed: {{title}}');
    await edit(of, 'body@en', bodyOf('{{title}}', 'x'));
    const { written } = await publish(of);
    const email = path.join(inFiles, 'settings', templatesPath);
    const subject = path.join(email, 'downloadasset/subject/.content.json');
    expect(written).toContainEqual(expect.objectContaining({ to: 'file', file: subject }));
    expect(JSON.parse(await readFile(subject, 'utf8'))).toMatchObject({ en: 'Filed: {{title}}' });
    expect(await readFile(path.join(email, 'downloadasset/en.mjml'), 'utf8')).toBe(bodyOf('{{title}}', 'x'));
    expect(await subjectOf(of, 'en')).toBe('Filed: Summer Lookbook');
    await rollBack(world.services, of.session, of);
    expect(await subjectOf(of, 'en')).toBe('Your download is ready: Summer Lookbook');
    await expect(readFile(path.join(email, 'downloadasset/en.mjml'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused with file, line and reason when the template does not render, and nothing is changed', async () => {
    const of = await author('wrong');
    await edit(of, 'body@de', bodyOf('{{titel}}'));
    const file = `/conf/wrong/settings/${templatesPath}/downloadasset/de.mjml`;
    await expect(publish(of)).rejects.toMatchObject({
      code: 'INVALID_TEMPLATE',
      details: { problems: [{ file, line: 2, tenants: ['wrong'], locales: ['de'] }] },
    });
    expect(await subjectOf(of, 'de')).toBe('Ihr Download ist bereit: Summer Lookbook');
    expect(await listVersions(of.session, of.tenant, template)).toEqual([]);
    expect(await getDraft(of.session, of.tenant, template)).toMatchObject({ lockVersion: 1 });
  });

  it('looks at every tenant that inherits the change, and names only those the author may see', async () => {
    const parent = await author('emea');
    const child = await author('emea/south');
    const beside = await author('apac');
    // Their colour is used as it is; a partial of the parent would use it where only a number may stand.
    await edit(child, 'theme.radius', '9px');
    await publish(child);
    await edit(parent, 'own/theme.note', 'x');
    await edit(parent, 'body@en', bodyOf('{{theme.note}} {{> extra}}'));
    await edit(parent, 'partial:extra', '{{#if (eq theme.radius "9px")}}{{nowhere}}{{/if}}');
    await expect(publish(parent)).rejects.toMatchObject({
      code: 'INVALID_TEMPLATE',
      details: { problems: [{ file: `/conf/emea/settings/${templatesPath}/partials/extra.mjml`, line: 1 }] },
    });
    await edit(parent, 'partial:extra', '{{theme.radius}}');
    expect((await publish(parent)).rendered).toBe(2 * 2 * 4);
    expect(await subjectOf(beside, 'en')).toBe('Your download is ready: Summer Lookbook');

    // Somebody who may change the global layer, but sees no tenant; in a style a value may hold no semicolon.
    await edit(child, 'theme.legalText', 'a; b');
    await publish(child);
    await world.run('user', 'add', 'globalist', '--email', 'g@example.com', '--group', 'dam-users');
    await world.run('permissions', 'grant', '/conf/global', 'globalist', 'jcr:read', 'rep:write');
    const base = await readFile(path.join(templatesFolder, 'partials/base.mjml'), 'utf8');
    const inStyle = `${base}\n<mj-style>.x { content: "{{theme.legalText}}" }</mj-style>`;
    const globalist = { session: await world.login('globalist'), tenant: await world.tenant('global'), template };
    await edit(globalist, 'partial:base', inStyle);
    const refused = await publish(globalist).catch((error: unknown) => error as SatchelError);
    expect(refused).toMatchObject({
      code: 'INVALID_TEMPLATE',
      details: { problems: [{ file: '/conf', tenants: [], locales: [] }] },
    });
    expect((refused as SatchelError).message).not.toContain('emea');
    const admin = { ...globalist, session: await world.login('admin') };
    await expect(publish(admin)).rejects.toMatchObject({
      details: {
        problems: [{ file: `/conf/global/settings/${templatesPath}/partials/base.mjml`, tenants: ['emea/south'] }],
      },
    });
  });

  it('does not mind what was wrong before', async () => {
    const broken = await author('broken');
    await world.services.repository.withSession('admin', async (session) => {
      await session.ensureNode(`/conf/broken/settings/${templatesPath}/downloadasset/subject`);
      await session.setProperties(`/conf/broken/settings/${templatesPath}/downloadasset/subject`, { fr: '{{oups}}' });
      await session.save();
    });
    await edit(broken, 'subject@de', 'Neu: {{title}}');
    expect(await publish(broken)).toMatchObject({ published: true });
    await edit(broken, 'subject@fr', 'Nouveau : {{title}}');
    await publish(broken);
    expect(await subjectOf(broken, 'fr')).toBe('Nouveau : Summer Lookbook');
  });

  it('lets one of two win', async () => {
    const of = await author('race');
    await edit(of, 'subject@de', 'Neu: {{title}}');
    const second = { ...of, session: await world.login('race-admin') };
    const outcomes = await Promise.allSettled([publish(of, 'one'), publish(second, 'two')]);
    const done = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value.published);
    expect(done).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(failing('TEMPLATE_CONFLICT'));
    }
    expect(await listVersions(of.session, of.tenant, template)).toHaveLength(1);
  });

  it('does not write over what was changed since the part came into the draft', async () => {
    const of = await author('behind');
    await edit(of, 'subject@de', 'Neu: {{title}}');
    await of.session.ensureNode(`/conf/behind/settings/${templatesPath}/downloadasset/subject`);
    await of.session.setProperties(`/conf/behind/settings/${templatesPath}/downloadasset/subject`, {
      de: 'Eilig: {{title}}',
    });
    await of.session.save();
    await expect(publish(of)).rejects.toMatchObject({ code: 'TEMPLATE_CONFLICT', details: { part: 'subject@de' } });
    expect((await compareUpstream(of.session, world.satchel.overlay, of)).map(({ state }) => state)).toEqual([
      'published',
    ]);
    expect(await mergeUpstream(of.session, world.satchel.overlay, of)).toMatchObject({
      merged: [{ part: 'subject@de' }],
    });
    await edit(of, 'subject@de', 'Eilig und neu: {{title}}');
    expect(await publish(of)).toMatchObject({ published: true });
    expect(await subjectOf(of, 'de')).toBe('Eilig und neu: Summer Lookbook');
  });
});

describe('going back', () => {
  it('brings any version back, and is a version itself', async () => {
    const of = await author('back');
    for (const word of ['Eins', 'Zwei', 'Drei']) {
      await edit(of, 'subject@de', `${word}: {{title}}`);
      await publish(of, word);
    }
    expect(await rollBack(world.services, of.session, of)).toMatchObject({ version: 4, published: true });
    expect(await subjectOf(of, 'de')).toBe('Zwei: Summer Lookbook');
    // Once more goes further back, not forth again.
    await rollBack(world.services, of.session, of);
    expect(await subjectOf(of, 'de')).toBe('Eins: Summer Lookbook');
    await rollBack(world.services, of.session, of, { to: 3 });
    expect(await subjectOf(of, 'de')).toBe('Drei: Summer Lookbook');
    await rollBack(world.services, of.session, of, { to: 0 });
    expect(await subjectOf(of, 'de')).toBe('Ihr Download ist bereit: Summer Lookbook');
    expect((await listVersions(of.session, of.tenant, template)).map(({ restored }) => restored)).toEqual([
      0,
      3,
      1,
      2,
      undefined,
      undefined,
      undefined,
    ]);
    await expect(rollBack(world.services, of.session, of)).rejects.toMatchObject(failing('PATH_NOT_FOUND'));
    await expect(rollBack(world.services, of.session, of, { to: 99 })).rejects.toMatchObject(failing('PATH_NOT_FOUND'));
  });

  it('leaves alone what another template changed of the shared parts', async () => {
    const of = await author('shared');
    const other = { ...of, template: 'transientworkflowcompleted' };
    await edit(of, 'subject@de', 'Neu: {{title}}');
    await publish(of);
    await edit(other, 'theme.companyName', 'Shared Company');
    await publish(other);
    await rollBack(world.services, of.session, of);
    const mail = await renderPreview(world.satchel, of.session, { tenant: of.tenant, template, locale: 'de' });
    expect(mail.subject).toBe('Ihr Download ist bereit: Summer Lookbook');
    expect(mail.text).toContain('Shared Company');
  });

  it('keeps what was changed by hand in between', async () => {
    const of = await author('hand');
    await edit(of, 'subject@de', 'Eins: {{title}}');
    await publish(of);
    const node = `/conf/hand/settings/${templatesPath}/downloadasset/subject`;
    await of.session.setProperties(node, { de: 'Von Hand: {{title}}' });
    await of.session.save();
    await rollBack(world.services, of.session, of);
    expect(await subjectOf(of, 'de')).toBe('Ihr Download ist bereit: Summer Lookbook');
    await rollBack(world.services, of.session, of, { to: 1 });
    expect(await subjectOf(of, 'de')).toBe('Von Hand: Summer Lookbook');
  });
});

describe('upstream', () => {
  const note = (line: string) =>
    `<mj-section><mj-column>\n<mj-text>one</mj-text>\n<mj-text>two</mj-text>\n${line}\n</mj-column></mj-section>`;

  it('shows and merges what changed below; conflicts are marked and keep it from being published', async () => {
    const of = await author('up');
    await world.write(await world.file('/apps', 'partials/footer.mjml', note('<mj-text>three</mj-text>')));
    await edit(of, 'partial:footer', note('<mj-text>three</mj-text>').replace('one', 'EINS'));
    await publish(of);
    const upstream = () => compareUpstream(of.session, world.satchel.overlay, of);
    expect(await upstream()).toMatchObject([{ part: 'partial:footer', state: 'unchanged' }]);

    await world.write(await world.file('/apps', 'partials/footer.mjml', note('<mj-text>THREE</mj-text>')));
    await of.session.refresh();
    expect(await upstream()).toMatchObject([
      { state: 'changed', base: { layer: '/apps' }, below: { text: note('<mj-text>THREE</mj-text>') } },
    ]);
    expect(await mergeUpstream(of.session, world.satchel.overlay, of)).toMatchObject({
      merged: [{ part: 'partial:footer', conflicts: [] }],
    });
    expect((await mergeUpstream(of.session, world.satchel.overlay, of)).merged).toEqual([]);
    await publish(of, 'Merged');
    const merged = await renderPreview(world.satchel, of.session, { tenant: of.tenant, template, locale: 'en' });
    expect(merged.text).toMatch(/EINS[^]*two[^]*THREE/);
    expect(await upstream()).toMatchObject([{ state: 'unchanged' }]);

    await world.write(
      await world.file('/apps', 'partials/footer.mjml', note('<mj-text>THREE</mj-text>').replace('one', 'uno')),
    );
    expect(await mergeUpstream(of.session, world.satchel.overlay, of)).toMatchObject({
      merged: [{ part: 'partial:footer', conflicts: [2] }],
    });
    const draft = await getDraft(of.session, of.tenant, template);
    expect(draft.parts['partial:footer']?.text).toContain('<<<<<<< yours\n<mj-text>EINS</mj-text>');
    await expect(publish(of)).rejects.toMatchObject({
      code: 'INVALID_TEMPLATE',
      details: { problems: [{ line: 2 }, { line: 8 }] },
    });
    await edit(of, 'partial:footer', note('<mj-text>THREE</mj-text>').replace('one', 'uno, EINS'));
    expect(await publish(of)).toMatchObject({ published: true });
    expect(await upstream()).toMatchObject([{ state: 'unchanged' }]);
    await world.write([{ path: `/apps/settings/${templatesPath}/partials/footer.mjml`, remove: true }]);
    await of.session.refresh();
    expect(await upstream()).toMatchObject([{ state: 'changed', below: { layer: '/libs' } }]);
  });

  it('says when nobody knows what a part was made from', async () => {
    const of = await author('unknown');
    await of.session.ensureNode(`/conf/unknown/settings/${templatesPath}/theme`);
    await of.session.setProperties(`/conf/unknown/settings/${templatesPath}/theme`, { color: '#123456' });
    await of.session.save();
    expect(await compareUpstream(of.session, world.satchel.overlay, of)).toMatchObject([
      { part: 'theme.color', state: 'unknown', text: '#123456' },
    ]);
    expect((await mergeUpstream(of.session, world.satchel.overlay, of)).merged).toEqual([]);
  });
});
