/** E4: tenants whose templates differ in their themes alone share what is compiled, and get what compiling each would give. */
import fc from 'fast-check';
import Handlebars from 'handlebars';
import { describe, expect, it } from 'vitest';
import { compileTemplate, shareTemplate } from '../../activities/mail/compile-template.js';
import type { TemplateParts } from '../../activities/mail/compile-template.js';
import { TemplateCache } from '../../activities/mail/template-cache.js';
import { locateTemplate } from '../../activities/mail/template-source.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { createMailWorld, type MailWorld } from './mail-world.js';
import {
  builtInLocales,
  builtInParts,
  builtInTemplates,
  builtInTheme,
  document,
  sampleOf,
  testParts,
} from './template-files.js';

type Theme = Readonly<Record<string, string>>;

const themeOf = (theme: Theme): TemplateParts['theme'] =>
  new Map(Object.entries(theme).map(([name, value]) => [name, { value, layer: '/conf/x' }]));

/** The same template with the values written in by hand, as if there were no theme. */
function writtenIn(parts: TemplateParts, theme: Theme): TemplateParts {
  const write = <Part extends { readonly text: string }>(part: Part): Part => ({
    ...part,
    text: part.text.replace(
      /<mj-style>[\s\S]*?<\/mj-style>|\{\{theme\.(\w+)\}\}/g,
      (found: string, name: string | undefined) =>
        name === undefined
          ? found.replace(/\{\{theme\.(\w+)\}\}/g, (_, inner: string) => theme[inner] ?? '')
          : Handlebars.escapeExpression(theme[name] ?? ''),
    ),
  });
  return {
    ...parts,
    body: write(parts.body),
    partials: new Map([...parts.partials].map(([name, part]) => [name, write(part)])),
    theme: themeOf(theme),
  };
}

/** What a template renders to, or the code of why it does not. */
async function outcome(
  parts: TemplateParts,
  variables: Parameters<Awaited<ReturnType<typeof compileTemplate>>['render']>[0],
) {
  try {
    const { subject, html, text } = (await compileTemplate(parts)).render(variables);
    return { subject, html, text };
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    return { code: error.code };
  }
}

const colors = fc.integer({ min: 0, max: 0xffffff }).map((number) => `#${number.toString(16).padStart(6, '0')}`);
const words = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'A & B',
    '"<b>"',
    "it's = `x`",
    ' a',
    'a\n b',
    '\u00a0',
    'a\uFDD0b',
    '&amp;',
    '#fe0001',
    '{x}',
    '\\',
  ),
  fc.string({ maxLength: 12, unit: 'binary' }).filter((text) => !/\{\{|\0/.test(text)),
);
const addresses = fc.constantFrom(
  '',
  'https://x.test/logo.png?a=1&b=2',
  'http://x.test',
  'mailto:a@x.test',
  '/logo.png',
);
const fonts = fc.constantFrom(
  "'Segoe UI', Arial, sans-serif",
  'Georgia',
  'Yu Gothic, Meiryo',
  'ヒラギノ角ゴ',
  '"Inter"',
);
const lengths = fc.constantFrom('0', '0px', '14px', '50%', '1em');

const themes: fc.Arbitrary<Theme> = fc.record({
  color: colors,
  onColor: colors,
  background: colors,
  surface: colors,
  text: colors,
  mutedText: colors,
  fontFamily: fonts,
  radius: lengths,
  logoText: words,
  logo: fc.constantFrom('', '/content/dam/logo.png'),
  logoUrl: addresses,
  companyName: words,
  legalText: words,
});

describe('a template compiled for one theme', () => {
  const samples = builtInTemplates.flatMap((template) => builtInLocales.map((locale) => [template, locale] as const));

  it.each(samples)(
    'holds for others that differ in colours, font, corners, logo and words: %s in %s',
    async (template, locale) => {
      const shared = await shareTemplate(builtInParts(template, locale));
      const other = {
        ...builtInTheme(),
        color: '#123456',
        surface: '#fedcba',
        fontFamily: "Georgia, 'Times New Roman'",
        radius: '0px',
        logoText: 'A & B <i>',
        companyName: 'Nordlicht "Werbe" GmbH',
        legalText: '#ffffff',
      };
      expect(shared.fits(themeOf(other))).toBe(true);
      const { subject, html, text } = shared.bind(themeOf(other)).render(sampleOf(template));
      expect(html).toContain('#123456');
      expect({ subject, html, text }).toEqual(
        await outcome(writtenIn(builtInParts(template, locale), other), sampleOf(template)),
      );
    },
  );

  it('says of any other theme whether it fits, and then gives what compiling that would', async () => {
    let fitting = 0;
    await fc.assert(
      fc.asyncProperty(themes, themes, fc.constantFrom(...builtInTemplates), async (one, other, template) => {
        const shared = await shareTemplate(builtInParts(template, 'en', one)).catch((error: unknown) => {
          if (!(error instanceof SatchelError)) throw error;
          return undefined;
        });
        for (const theme of [one, other]) {
          const expected = await outcome(writtenIn(builtInParts(template, 'en'), theme), sampleOf(template));
          expect(await outcome(builtInParts(template, 'en', theme), sampleOf(template))).toEqual(expected);
          if (shared?.fits(themeOf(theme)) !== true) continue;
          fitting++;
          const { subject, html, text } = shared.bind(themeOf(theme)).render(sampleOf(template));
          expect({ subject, html, text }).toEqual(expected);
        }
      }),
      { numRuns: 25 },
    );
    expect(fitting).toBeGreaterThan(10);
  });

  const base: Theme = {
    color: '#102030',
    font: 'Arial',
    radius: '4px',
    url: 'https://x.test/',
    name: 'Acme',
    unused: 'x',
  };
  const inText = (content: string) => document(`<mj-text>${content}</mj-text>`);
  const cases: readonly (readonly [rule: string, body: string, change: Theme, fits: boolean])[] = [
    ['a property nobody shows', inText('a'), { unused: '' }, true],
    ['a colour in an attribute', document('<mj-text color="{{theme.color}}">a</mj-text>'), { color: '#ABCDEF' }, true],
    ['a colour MJML has to look at', document('<mj-text color="{{theme.color}}">a</mj-text>'), { color: 'red' }, false],
    [
      'a colour in a border',
      document('<mj-button border="1px solid {{theme.color}}">a</mj-button>'),
      { color: '#000000' },
      true,
    ],
    ['a colour in a style', inText('<b style="color:{{theme.color}}">a</b>'), { color: '#000000' }, true],
    [
      'a colour in words, too',
      document('<mj-text color="{{theme.color}}">{{theme.color}}</mj-text>'),
      { color: 'red' },
      false,
    ],
    ['words', inText('{{theme.name}}'), { name: '<Other> & "more"' }, true],
    ['words in a loop', inText('{{#each list}}{{theme.name}}{{/each}}'), { name: 'Other' }, true],
    ['words in a label', inText('<img src="cid:a" alt="{{theme.name}}" />'), { name: '"Other"' }, true],
    ['no words', inText('{{theme.name}}'), { name: '' }, false],
    ['blanks at the end', inText('{{theme.name}}'), { name: 'Other ' }, false],
    ['more words than count as some', inText('{{theme.name}}'), { name: 'x'.repeat(1001) }, false],
    ['words a guard would change', inText('<b style="{{theme.name}}">a</b>'), { name: 'Other' }, false],
    [
      'words in a style of their own',
      document('<mj-raw><style>/*{{theme.name}}*/</style></mj-raw>'),
      { name: 'Other' },
      false,
    ],
    ['an address', inText('<a href="{{theme.url}}">a</a>'), { url: 'https://y.test/?a=b&c' }, true],
    ['an address of another scheme', inText('<a href="{{theme.url}}">a</a>'), { url: 'mailto:a@b.test' }, false],
    ['a part of an address', inText('<a href="{{theme.url}}x">a</a>'), { url: 'https://y.test/' }, false],
    ['what only conditions read', inText('{{#if theme.name}}a{{/if}}'), { name: '' }, true],
    ['a font', document('<mj-text font-family="{{theme.font}}">a</mj-text>'), { font: "'Segoe UI', serif" }, true],
    [
      'a font with quotes of CSS',
      document('<mj-text font-family="{{theme.font}}">a</mj-text>'),
      { font: '"Inter"' },
      false,
    ],
    ['corners', document('<mj-button border-radius="{{theme.radius}}">a</mj-button>'), { radius: '0' }, true],
    [
      'a width, which MJML computes with',
      document('<mj-image src="cid:a" width="{{theme.radius}}" />'),
      { radius: '8px' },
      false,
    ],
    ['a subject', document('<mj-text>a</mj-text>', '{{theme.name}}!'), { name: 'Other' }, true],
    ['another property', inText('a'), { more: 'x' }, false],
  ];
  it.each(cases)('fits or not by what a value is used for: %s', async (_rule, body, change, fits) => {
    const shared = await shareTemplate(testParts({ body, theme: base }));
    const theme = { ...base, ...change };
    expect(shared.fits(themeOf(theme))).toBe(fits);
    const variables = { list: [1, 2] };
    const { subject, html, text } = (
      fits ? shared.bind(themeOf(theme)) : await compileTemplate(testParts({ body, theme }))
    ).render(variables);
    expect({ subject, html, text }).toEqual(await outcome(writtenIn(testParts({ body }), theme), variables));
  });

  it('keeps versions and remarks of each theme apart', async () => {
    const shared = await shareTemplate(builtInParts('downloadasset', 'en'));
    const [plain, pale] = [builtInTheme(), { ...builtInTheme(), text: '#eeeeee' }].map((theme) =>
      shared.bind(themeOf(theme)),
    );
    expect(plain?.version).toBe((await compileTemplate(builtInParts('downloadasset', 'en'))).version);
    expect(pale?.version).not.toBe(plain?.version);
    expect(plain?.render(sampleOf('downloadasset')).remarks).toEqual([]);
    expect(pale?.render(sampleOf('downloadasset')).remarks[0]?.message).toContain('"text" (#eeeeee)');
  });
});

describe('the cache', () => {
  const template = 'downloadasset';
  const located = async (world: MailWorld, name: string) =>
    locateTemplate(world.session, world.overlay, {
      tenant: await world.tenant(name),
      template,
      locale: 'en',
      tenantLocale: undefined,
    });
  async function worldOf(themes: Readonly<Record<string, Theme>>): Promise<MailWorld> {
    const world = await createMailWorld();
    for (const [name, theme] of Object.entries(themes))
      await world.writeNode(world.at(`/conf/${name}`, 'theme'), theme);
    return world;
  }

  it('compiles once for all that ask at the same time, and fills in each theme', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `brand${index}`);
    const world = await worldOf(
      Object.fromEntries(
        names.map((name, index) => [name, { color: `#0000${10 + index}`, companyName: `Brand ${index}.` }]),
      ),
    );
    const cache = new TemplateCache();
    const all = await Promise.all(names.map(async (name) => located(world, name)));
    const compiled = await Promise.all(all.map((one) => cache.compile(world.session, one)));
    expect(cache.size).toEqual({ shared: 1, bound: 12 });
    for (const [index, one] of compiled.entries()) {
      const { html, text } = one.render(sampleOf(template));
      expect(html.match(/#0000\d\d/g)?.every((color) => color === `#0000${10 + index}`)).toBe(true);
      expect(text).toContain(`Brand ${index}.`);
      expect(one.layers['theme.color']).toBe(`/conf/brand${index}`);
      expect(await cache.compile(world.session, await located(world, `brand${index}`))).toBe(one);
    }
  });

  it('compiles anew for a text or a value of its own, and no other', async () => {
    const world = await worldOf({ one: {}, two: { color: '#000000' }, three: { color: 'teal' }, four: {} });
    await world.writeFile(world.at('/conf/four', 'partials/title.mjml'), '{{!-- another --}}<mj-section></mj-section>');
    const cache = new TemplateCache();
    for (const name of ['one', 'two', 'three', 'four', 'two', 'one']) {
      await cache.compile(world.session, await located(world, name));
    }
    expect(cache.size).toEqual({ shared: 3, bound: 4 });
  });

  it('keeps no more than it may, and what was used last', async () => {
    const world = await worldOf({
      one: {},
      two: { color: 'teal' },
      three: { color: 'navy' },
      four: { color: '#000000' },
    });
    const cache = new TemplateCache({ shared: 2, bound: 2 });
    const compile = async (name: string) => cache.compile(world.session, await located(world, name));
    const one = await compile('one');
    const two = await compile('two');
    expect(await compile('one')).toBe(one);
    await compile('three');
    expect(cache.size).toEqual({ shared: 2, bound: 2 });
    expect(await compile('one')).toBe(one);
    expect(await compile('two')).not.toBe(two);
    await compile('four');
    expect(cache.size).toEqual({ shared: 2, bound: 2 });
  });

  it('keeps nothing of what does not compile, and tells everyone', async () => {
    const world = await worldOf({ one: {} });
    const path = world.at('/conf/one', `${template}/en.mjml`);
    await world.writeFile(path, document('<mj-text>{{nope.nope}}</mj-txt>'));
    const cache = new TemplateCache();
    const broken = await located(world, 'one');
    const attempts = await Promise.allSettled([1, 2, 3].map(() => cache.compile(world.session, broken)));
    expect(attempts.map((attempt) => attempt.status === 'rejected' && (attempt.reason as SatchelError).code)).toEqual(
      Array(3).fill('INVALID_TEMPLATE'),
    );
    expect(cache.size).toEqual({ shared: 0, bound: 0 });
    await world.writeFile(path, document('<mj-text>Right</mj-text>'));
    const { html } = (await cache.compile(world.session, await located(world, 'one'))).render(sampleOf(template));
    expect(html).toContain('Right');
  });
});
