import { describe, expect, it } from 'vitest';
import { deny } from '../../repository/access/policy.js';
import type { Repository, Session } from '../../repository/api.js';
import { createUser } from '../../repository/users.js';
import { grant } from '../../repository/access/policy.js';
import { explain, renderExplanation } from '../../repository/overlay/explain.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { backends, openFor, sessionOf } from '../repository/world.js';
import { outline } from './layer-tree.js';

const theme = 'dam/workflow/notification/email/theme';

async function openWorld() {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  const repository = await openFor(open);
  const admin = await sessionOf(repository);
  await admin.ensureNode(`/libs/settings/${theme}`, { properties: { color: '#111111', text: '#222222' } });
  await admin.ensureNode('/conf/aurora', {});
  await createUser(admin, { id: 'reader' });
  for (const path of ['/libs', '/conf']) await grant(admin, path, 'everyone', ['jcr:read']);
  await admin.save();
  return { repository, admin, overlay: createOverlayResolver({ repository }) };
}

async function write(session: Session, path: string, properties: Record<string, string>): Promise<void> {
  await session.ensureNode(path);
  await session.setProperties(path, properties);
  await session.save();
}

describe('the overlay resolver (C4)', () => {
  it('merges settings of all layers and follows every commit that touches one', async () => {
    const { admin, overlay } = await openWorld();
    const tenant = await overlay.tenant(admin, 'aurora');
    const color = async () => (await overlay.settings(admin, tenant, theme))?.text('color');
    expect(await color()).toBe('#111111');
    await write(admin, `/conf/aurora/settings/${theme}`, { color: '#aaaaaa' });
    expect(await color()).toBe('#aaaaaa');
    await write(admin, `/conf/aurora/settings/${theme}`, { color: '#bbbbbb' });
    expect(await color()).toBe('#bbbbbb');
    await admin.remove('/conf/aurora/settings');
    await admin.save();
    expect(await color()).toBe('#111111');
    await write(admin, '/conf/global/settings/dam', { 'sling:hideChildren': 'workflow' });
    expect(await color()).toBeUndefined();
    await admin.setProperties('/conf/global/settings/dam', { 'sling:hideChildren': null });
    await admin.save();
    await write(admin, '/content/unrelated', { x: '1' });
    expect(await color()).toBe('#111111');
  });

  it('shows a session its own commit and its own unsaved changes, and no others', async () => {
    const { repository, admin, overlay } = await openWorld();
    const tenant = await overlay.tenant(admin, 'aurora');
    const older = await sessionOf(repository);
    const color = async (session: Session) => (await overlay.settings(session, tenant, theme))?.text('color');
    await write(admin, `/libs/settings/${theme}`, { color: '#333333' });
    // The newer session fills the cache first; then the older one has its turn, with a cache that is too new for it.
    expect(await color(admin)).toBe('#333333');
    expect(await color(older)).toBe('#111111');
    expect(await color(admin)).toBe('#333333');
    await admin.setProperties(`/libs/settings/${theme}`, { color: '#444444' });
    expect(await color(admin)).toBe('#444444');
    await older.refresh();
    expect(await color(older)).toBe('#333333');
    await admin.refresh();
    expect(await color(admin)).toBe('#333333');
  });

  it('answers nobody with what they may not read, whoever asked before', async () => {
    const { repository, admin, overlay } = await openWorld();
    await write(admin, `/conf/aurora/settings/${theme}`, { color: '#aaaaaa' });
    const reader = await sessionOf(repository, 'reader');
    const tenant = await overlay.tenant(admin, 'aurora');
    const color = async (session: Session) => (await overlay.settings(session, tenant, theme))?.text('color');
    expect(await color(admin)).toBe('#aaaaaa');
    expect(await color(reader)).toBe('#aaaaaa');
    await deny(admin, '/conf/aurora', 'reader', ['jcr:read']);
    await admin.save();
    await reader.refresh();
    expect(await color(reader)).toBe('#111111');
    expect(await color(admin)).toBe('#aaaaaa');
    await expect(overlay.tenant(reader, 'aurora')).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' });
  });

  it('knows a tenant that exists, and global', async () => {
    const { admin, overlay } = await openWorld();
    expect(await overlay.tenant(admin, 'global')).toMatchObject({ root: '/conf/global' });
    await expect(overlay.tenant(admin, 'absent')).rejects.toMatchObject({
      code: 'PATH_NOT_FOUND',
      paths: ['/conf/absent'],
    });
    await expect(overlay.tenant(admin, '../etc')).rejects.toMatchObject({ code: 'INVALID_PATH' });
  });

  it('finds the tenant of content', async () => {
    const { admin, overlay } = await openWorld();
    await write(admin, '/content/dam/aurora/jcr:content', { 'cq:conf': '/conf/aurora' });
    expect(await overlay.tenantOf(admin, '/content/dam/aurora/a.jpg')).toMatchObject({ name: 'aurora' });
    expect(await overlay.tenantOf(admin, '/content/dam')).toMatchObject({ name: 'global', referencedAt: undefined });
  });

  it('merges /apps over /libs on the search path', async () => {
    const { admin, overlay } = await openWorld();
    await write(admin, '/libs/dam/gui', { title: 'libs', help: 'libs' });
    await write(admin, '/apps/dam/gui', { title: 'apps' });
    expect(outline(await overlay.searchPath(admin, 'dam/gui'))).toBe(
      JSON.stringify({ 'jcr:primaryType': 'nt:unstructured', title: 'apps', help: 'libs' }),
    );
    await expect(overlay.searchPath(admin, '../x')).rejects.toMatchObject({ code: 'INVALID_PATH' });
  });

  it('answers many at once the same', async () => {
    const { repository, admin, overlay } = await openWorld();
    const tenant = await overlay.tenant(admin, 'aurora');
    const sessions = await Promise.all(Array.from({ length: 8 }, () => sessionOf(repository)));
    const colors = await Promise.all(
      sessions.map(async (session) => (await overlay.settings(session, tenant, theme))?.text('color')),
    );
    expect(new Set(colors)).toEqual(new Set(['#111111']));
  });
});

describe('explain (E5)', () => {
  /** A third brand of one theme property and one subject: only these differ from /libs. */
  async function thirdBrand(repository: Repository, admin: Session) {
    const mail = 'dam/workflow/notification/email';
    await write(admin, `/libs/settings/${mail}/downloadasset/subject`, { en: 'Your download', de: 'Ihr Download' });
    await write(admin, `/conf/third/settings/${mail}/theme`, { color: '#c0ffee' });
    await write(admin, `/conf/third/settings/${mail}/downloadasset/subject`, { en: 'Fresh from Third' });
    const overlay = createOverlayResolver({ repository });
    const tenant = await overlay.tenant(admin, 'third');
    const resource = await overlay.settings(admin, tenant, mail);
    return { resource, layers: overlay.settingsLayers(tenant), mail };
  }

  it('says of a third brand that only its two properties differ', async () => {
    const { repository, admin } = await openWorld();
    const { resource, layers, mail } = await thirdBrand(repository, admin);
    const explanation = explain(resource, layers, mail);
    const parts = (
      node: NonNullable<typeof explanation.resource>,
    ): { part: string; layer: string; hides: string[] }[] => [
      ...node.properties
        .filter(({ name }) => name !== 'jcr:primaryType')
        .map(({ name, layer, overrides }) => ({
          part: `${node.path.slice(mail.length + 1)}@${name}`,
          layer,
          hides: overrides.map((below) => `${below.layer} ${below.values.join()}`),
        })),
      ...node.children.flatMap(parts),
    ];
    expect(explanation.resource && parts(explanation.resource)).toEqual([
      { part: 'theme@color', layer: '/conf/third', hides: ['/libs #111111'] },
      { part: 'theme@text', layer: '/libs', hides: [] },
      { part: 'downloadasset/subject@en', layer: '/conf/third', hides: ['/libs Your download'] },
      { part: 'downloadasset/subject@de', layer: '/libs', hides: [] },
    ]);
    expect(explanation.layers).toEqual([
      { label: '/conf/third', source: `/conf/third/settings/${mail}`, used: true },
      { label: '/conf/global', source: `/conf/global/settings/${mail}`, used: false },
      { label: '/apps', source: `/apps/settings/${mail}`, used: false },
      { label: '/libs', source: `/libs/settings/${mail}`, used: true },
    ]);
  });

  it('prints a tree that names layer, source value and what is hidden', async () => {
    const { repository, admin } = await openWorld();
    await write(admin, '/conf/third/settings/dam/workflow/notification/email/theme', {
      'sling:hideProperties': 'text',
    });
    const { resource, layers, mail } = await thirdBrand(repository, admin);
    const text = renderExplanation(explain(resource?.child('theme'), layers, `${mail}/theme`));
    expect(text).toContain('● /conf/third  /conf/third/settings/dam/workflow/notification/email/theme');
    expect(text).toContain('○ /apps');
    expect(text).toContain('@color = "#c0ffee"  ← /conf/third, hides /libs "#111111"');
    expect(text).toContain('✕ @text  hidden by /conf/third');
    expect(renderExplanation(explain(undefined, layers, mail))).toContain('no layer holds it');
  });
});
