/** The content that ships: limits of /libs and the two example tenants. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importContentFolder } from '../../repository/content/import-content-folder.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { backends, openFor, sessionOf } from '../repository/world.js';

const folderOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const email = 'dam/workflow/notification/email';

async function openWorld() {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  const repository = await openFor(open);
  const session = await sessionOf(repository);
  for (const [folder, target] of [
    ['dam/default-settings', '/libs/settings/dam'],
    ['templates', `/libs/settings/${email}`],
    ['overlays/apps', '/apps'],
    ['overlays/conf', '/conf'],
  ] as const) {
    const report = await importContentFolder({ session, folder: folderOf(folder), target });
    expect(report).toMatchObject({ problems: [], keptRepositoryEdits: [] });
  }
  return { session, overlay: createOverlayResolver({ repository }) };
}

/** WCAG 2.2 relative luminance and contrast. */
function contrast(a: string, b: string): number {
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const channel = parseInt(color.slice(at, at + 2), 16) / 255;
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter + 0.05) / (darker + 0.05);
}

describe('shipped content', () => {
  it('limits downloads as the documents say (D5, D6)', async () => {
    const { session, overlay } = await openWorld();
    const limits = await overlay.settings(session, await overlay.tenant(session, 'global'), 'dam/download');
    expect(['maxAssets', 'maxBytes', 'partBytes'].map((name) => limits?.number(name))).toEqual([
      500,
      2 ** 30,
      100 * 2 ** 30,
    ]);
  });

  it.each([
    ['aurora', 'en', { en: '/conf/aurora' }],
    ['nordlicht', 'de', {}],
  ])('has the tenant %s, whose theme overrides properties of /libs and can be read', async (name, locale, subject) => {
    const { session, overlay } = await openWorld();
    const tenant = await overlay.tenant(session, name);
    expect((await overlay.settings(session, tenant, 'tenant'))?.text('locale')).toBe(locale);
    const mail = await overlay.settings(session, tenant, email);
    const subjects = [...(mail?.descendant('downloadasset/subject')?.properties ?? [])];
    const layers = subjects.filter(([key]) => !key.startsWith('jcr:')).map(([key, { layer }]) => [key, layer]);
    expect(Object.fromEntries(layers)).toEqual(subject);

    const theme = mail?.child('theme');
    const own = [...(theme?.properties ?? [])].filter(([, { layer }]) => layer === `/conf/${name}`);
    expect(own.length).toBeGreaterThan(5);
    for (const [property, { overrides }] of own) expect([property, overrides?.[0]?.layer]).toEqual([property, '/libs']);
    const color = (property: string) => theme?.text(property) ?? '';
    for (const [foreground, background] of [
      ['onColor', 'color'],
      ['text', 'surface'],
      ['text', 'background'],
      ['mutedText', 'background'],
    ] as const) {
      expect(contrast(color(foreground), color(background)), `${foreground} on ${background}`).toBeGreaterThanOrEqual(
        4.5,
      );
    }
  });
});
