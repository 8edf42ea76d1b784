/** E1, E2: the templates of the product, in every locale. */
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../activities/mail/compile-template.js';
import { contrast, darkColors, leastContrast, themeRemarks } from '../../activities/mail/theme-contrast.js';
import { builtInLocales, builtInParts, builtInTemplates, exampleThemes, sampleOf } from './template-files.js';
import type { JsonObject } from '../../workflows/contract/model.js';

const all = builtInTemplates.flatMap((template) => builtInLocales.map((locale) => [template, locale] as const));

describe.each(all)('%s in %s', (template, locale) => {
  it('compiles and renders its sample into a bounded, complete mail', async () => {
    const { subject, html, text } = (await compileTemplate(builtInParts(template, locale))).render(sampleOf(template));
    expect(subject).not.toBe('');
    expect(html).toContain(`<html lang="${locale}"`);
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
    expect(text).not.toMatch(/[<>]|\{\{|&[a-z]+;/);
    // Gmail cuts what is longer.
    expect(Buffer.byteLength(html)).toBeLessThan(102 * 1024);
    // Nothing is loaded from elsewhere.
    expect(html).not.toMatch(/@import|<link|src="http/);
  });

  it('says the same as the others: every variable of the English text is in it', async () => {
    const values = valuesOf(sampleOf(template));
    const rendered = async (wanted: string) =>
      (await compileTemplate(builtInParts(template, wanted))).render(sampleOf(template)).text;
    const [english, here] = [await rendered('en'), await rendered(locale)];
    for (const value of values.filter((v) => english.includes(v) && !states.has(v))) expect(here).toContain(value);
  });
});

/** Shown in words of the language. */
const states = new Set(['completed', 'failed', 'waiting']);

function valuesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(valuesOf) : [];
}

describe('downloadasset', () => {
  const render = async (change: JsonObject) =>
    (await compileTemplate(builtInParts('downloadasset', 'en'))).render({ ...sampleOf('downloadasset'), ...change });

  it('links every archive, and says what is missing and until when', async () => {
    const { html, text } = await render({});
    for (const url of html.match(/href="[^"]*part-\d-of-2\.zip"/g) ?? []) expect(url).toContain('/downloads/sample/');
    expect(html.match(/href="[^"]*part-\d-of-2\.zip"/g)).toHaveLength(2);
    expect(text).toContain('1 item is not in the archive');
    expect(text).toContain('dunes & dusk.psd');
    expect(text.replace(/\s+/g, ' ')).toContain('until June 14, 2030 at 4:00 PM UTC');
  });

  it('leaves out what does not apply', async () => {
    const { text } = await render({ skipped: [], skippedCount: 0, expires: null });
    expect(text).not.toContain('not in the archive');
    expect(text).not.toContain('until');
  });

  it('names the requester to other recipients, and greets a stranger', async () => {
    const { text } = await render({ recipient: { address: 'ben@example.com' } });
    expect(text).toContain('Hello,');
    expect(text).toContain('Ana Moreau asked us to send you');
  });

  it('shows a hostile asset name as text', async () => {
    const path = '/content/dam/<img src=x onerror=alert(1)>"{{title}}.jpg';
    const { html, text } = await render({ skipped: [{ path, reason: 'r' }], skippedCount: 1 });
    expect(html).not.toContain('<img src=x');
    expect(text).toContain(path);
  });
});

describe('transientworkflowcompleted', () => {
  it.each([
    ['completed', 'Completed: Update renditions', 'Your workflow is done'],
    ['partial', 'Completed with problems: Update renditions', 'Your workflow is done, with problems'],
    ['failed', 'Failed: Update renditions', 'Your workflow failed'],
    ['cancelled', 'Cancelled: Update renditions', 'Your workflow was cancelled'],
  ])('tells %s apart', async (state, subject, headline) => {
    const template = await compileTemplate(builtInParts('transientworkflowcompleted', 'en'));
    const failed = state === 'failed';
    const mail = template.render({ ...sampleOf('transientworkflowcompleted'), state, ...(!failed && { error: null }) });
    expect(mail.subject).toBe(subject);
    expect(mail.text).toContain(`\n${headline}\n`);
    expect(mail.text.includes('IMAGE_UNREADABLE')).toBe(failed);
  });
});

describe('documentation of the variables', () => {
  it.each(builtInTemplates)('describes every variable of %s, and the sample fits', (template) => {
    const schema = JSON.parse(builtInParts(template, 'en').schema?.text ?? '{}') as JsonObject;
    const undocumented: string[] = [];
    const visit = (node: JsonObject, path: string) => {
      for (const [name, child] of Object.entries((node['properties'] ?? {}) as Record<string, JsonObject>)) {
        if (typeof child['description'] !== 'string' || child['type'] === undefined)
          undocumented.push(`${path}${name}`);
        visit(child, `${path}${name}.`);
        if (child['items']) visit(child['items'] as JsonObject, `${path}${name}[].`);
      }
    };
    visit(schema, '');
    expect(undocumented).toEqual([]);
    for (const sample of [sampleOf(template), sampleOf(template, 'sample-long')]) {
      expect(z.fromJSONSchema(schema).safeParse(sample).error?.issues).toBeUndefined();
    }
  });
});

describe('contrast (WCAG 2.2, 1.4.3: 4.5:1)', () => {
  it.each(Object.entries(exampleThemes()))('is enough in the theme of %s', (_tenant, theme) => {
    const properties = new Map(Object.entries(theme).map(([name, value]) => [name, { value, layer: '/libs' }]));
    expect(themeRemarks(properties, 'theme')).toEqual([]);
  });

  it.each([
    ['notice', '#5c4203', '#fff4dc'],
    ['notice, dark', '#ffe2a8', '#3a2e12'],
    ['failure', '#7a1b15', '#fdecea'],
    ['failure, dark', '#ffd0cc', '#43201f'],
    ['text, dark', darkColors.text, darkColors.surface],
    ['text on a panel, dark', darkColors.text, darkColors.panel],
    ['muted text, dark', darkColors.mutedText, darkColors.surface],
    ['muted text on a panel, dark', darkColors.mutedText, darkColors.panel],
    ['footer, dark', darkColors.mutedText, darkColors.background],
  ])('%s', (_name, foreground, background) => {
    expect(contrast(foreground, background)).toBeGreaterThanOrEqual(leastContrast);
  });

  it('is computed as WCAG does', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
    // The lightest grey that is enough on white.
    expect(contrast('#767676', '#ffffff')).toBeGreaterThanOrEqual(leastContrast);
    expect(contrast('#777777', '#ffffff')).toBeLessThan(leastContrast);
    expect(contrast('red', '#ffffff')).toBeUndefined();
  });

  it('counts with the colours that the head of every mail has in a dark appearance', () => {
    const base = builtInParts('downloadasset', 'en').partials.get('base')?.text ?? '';
    const dark = base.slice(base.indexOf('prefers-color-scheme: dark'));
    for (const color of Object.values(darkColors)) expect(dark).toContain(color);
  });
});
