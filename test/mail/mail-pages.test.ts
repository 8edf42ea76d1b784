/** E2: the built-in templates in a real browser; `node scripts/mail-pictures.mjs FOLDER` takes pictures of them to look at. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../activities/mail/compile-template.js';
import { findBrowser, measureMails, pictureOf } from '../support/mail-pages.js';
import {
  builtInLocales,
  builtInParts,
  builtInTemplates,
  exampleThemes,
  sampleImage,
  sampleOf,
  withSampleImage,
} from './template-files.js';
import type { FramedMail } from '../support/mail-pages.js';

const browser = findBrowser();
if (browser === undefined) console.warn('Skipped: mails in a browser, as there is no Chromium on the PATH.');
const pictures = process.env['SATCHEL_MAIL_PICTURES'];

async function framed(template: string, locale: string, tenant: string, widths: readonly number[]) {
  const compiled = await compileTemplate(builtInParts(template, locale, exampleThemes()[tenant]));
  return (['sample', 'sample-long'] as const).flatMap((sample) => {
    const variables = sampleOf(template, sample);
    const { html } = compiled.render(variables, sample === 'sample' ? { images: sampleImage } : {});
    return widths.map((width): FramedMail => ({
      title: `${template} ${locale} ${tenant} ${sample} ${width}`,
      html: withSampleImage(html),
      width,
    }));
  });
}

describe.skipIf(browser === undefined)('in a browser', () => {
  it('notices what sticks out and what is pale', async () => {
    const html = '<body><p style="width:500px">wide</p><p style="color:#999">pale</p><p>well</p></body>';
    const [measured] = await measureMails(browser ?? '', [{ title: 't', html, width: 320 }], 'light');
    expect(measured?.wide).toEqual(['P  wide']);
    expect(measured?.scrollWidth).toBeGreaterThan(320);
    expect(measured?.pale).toEqual([expect.stringMatching(/^pale /)]);
  }, 60_000);

  it.each(builtInTemplates)(
    'nothing of %s sticks out on a phone, with very long names in every language',
    async (template) => {
      const mails: FramedMail[] = [];
      for (const tenant of Object.keys(exampleThemes())) {
        for (const locale of builtInLocales) mails.push(...(await framed(template, locale, tenant, [320, 390])));
      }
      const measured = await measureMails(browser ?? '', mails, 'light');
      expect(measured.map(({ title }) => title)).toEqual(mails.map(({ title }) => title));
      for (const { title, width, scrollWidth, wide, height } of measured) {
        expect({ title, wide, scrollWidth }).toEqual({ title, wide: [], scrollWidth: width });
        expect(height).toBeGreaterThan(300);
      }
    },
    180_000,
  );

  it.each(['light', 'dark'] as const)(
    'all text has a contrast of 4.5:1 in %s appearance, for the product’s theme and those of the example tenants',
    async (scheme) => {
      const mails: FramedMail[] = [];
      for (const tenant of Object.keys(exampleThemes())) {
        for (const template of builtInTemplates) mails.push(...(await framed(template, 'en', tenant, [600])));
      }
      const measured = await measureMails(browser ?? '', mails, scheme);
      expect(measured).toHaveLength(mails.length);
      for (const { title, pale } of measured) expect({ title, pale }).toEqual({ title, pale: [] });
    },
    180_000,
  );

  it.runIf(pictures !== undefined).each(builtInTemplates)(
    'takes pictures of %s',
    async (template) => {
      const folder = pictures ?? '';
      mkdirSync(folder, { recursive: true });
      const locale = process.env['SATCHEL_MAIL_LOCALE'] ?? 'de';
      for (const tenant of Object.keys(exampleThemes())) {
        const mails = await framed(template, locale, tenant, [640, 360]);
        for (const scheme of ['light', 'dark'] as const) {
          const file = join(folder, `${template}-${tenant}-${locale}-${scheme}.png`);
          await pictureOf(browser ?? '', mails, scheme, { file, width: 2120, height: 1600 });
        }
      }
    },
    300_000,
  );
});
