/** E2: what strangers put into names and messages, and what a template must not hold. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../activities/mail/compile-template.js';
import { outputGuardHelpers } from '../../activities/mail/guard-output.js';
import { maxRepetitions } from '../../activities/mail/render-budget.js';
import { htmlToText } from '../../activities/mail/html-to-text.js';
import { builtInParts, builtInTemplates, document, problemsOf, sampleOf, testParts } from './template-files.js';
import type { JsonObject, JsonValue } from '../../workflows/contract/model.js';

/** Tags and their attributes as a browser reads them, `href` with the value a reader would open. */
function tagsOf(html: string): string[] {
  return [...html.matchAll(/<([a-z][a-z0-9:-]*)((?:\s+[^\s=>"'/]+(?:="[^"]*")?)*)\s*\/?>/gi)].map(
    ([, name = '', attributes = '']) =>
      `${name} ${[...attributes.matchAll(/([^\s=>"']+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => (/^(href|src)$/i.test(key) ? `${key}=${/^[a-z]*:/i.exec(value)?.[0] ?? ''}` : key)).join(' ')}`,
  );
}

const hostileUnits = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"',
  "'",
  '>',
  '<',
  '&',
  '&lt;',
  '-->',
  '<!--',
  ']]>',
  '<![endif]-->',
  '</style>',
  '</title>',
  '{{title}}',
  '{{{x}}}',
  '${x}',
  'javascript:alert(1)',
  '\r\nBcc: a@b.test',
  '\u0000',
  '\u2028',
  '\u202e',
  '`',
  '=',
  ' onmouseover=',
  '/',
  '\\',
  'x',
];
const hostile = fc.string({ unit: fc.constantFrom(...hostileUnits), minLength: 1, maxLength: 8 });

/** The sample with another text in place of every text that is no address, date or word of a list. */
function withTexts(value: JsonValue, text: (was: string) => string, key = ''): JsonValue {
  if (typeof value === 'string') {
    return ['state', 'url', 'link', 'inboxUrl', 'expires', 'due', 'thumbnail'].includes(key) ? value : text(value);
  }
  if (Array.isArray(value)) return value.map((item) => withTexts(item, text, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withTexts(item, text, name)]));
}

describe('values', () => {
  it.each(builtInTemplates)(
    'whatever stands in the texts of %s: the same tags and attributes, and a subject of one line',
    async (name) => {
      const template = await compileTemplate(builtInParts(name, 'en'));
      const sample = sampleOf(name);
      const harmless = tagsOf(template.render(withTexts(sample, () => 'harmless') as JsonObject).html);
      expect(harmless.length).toBeGreaterThan(50);
      fc.assert(
        fc.property(hostile, (text) => {
          const { html, subject } = template.render(withTexts(sample, () => text) as JsonObject);
          // A message has as many lines as it has.
          const found = tagsOf(html).filter((tag) => tag !== 'br ');
          expect(found).toEqual(harmless.filter((tag) => tag !== 'br '));
          expect(subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        }),
        { numRuns: 40 },
      );
    },
  );

  it('links nowhere but to the web, mail, telephone and the mail’s own parts, however the address is put together', async () => {
    const body = document('<mj-button href="{{url}}">a</mj-button><mj-text><a href="{{one}}{{two}}">b</a></mj-text>');
    const template = await compileTemplate(testParts({ body }));
    const schemeOf = (url: string, two = '') => {
      const { html } = template.render({ url, one: url, two });
      const hrefs = [...html.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&#x3D;', '='));
      return hrefs;
    };
    for (const url of [
      'https://a.test/?b=c',
      'http://a.test',
      'mailto:a@b.test',
      'tel:+41',
      'cid:x',
      '/path:with',
      '?a:b',
      '#x',
    ]) {
      expect(schemeOf(url)).toEqual([url, url]);
    }
    for (const url of [
      'javascript:alert(1)',
      ' JaVaScRiPt:alert(1)',
      'java\nscript:alert(1)',
      '\u0001javascript:x',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      '1javascript:x',
      ':x',
    ]) {
      expect(schemeOf(url), url).toEqual(['#', '#']);
    }
    expect(schemeOf('javascript', ':alert(1)')[1]).toBe('javascript#');
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('javascript', ':', '\t', ' ', '/', 'x', '\0', 'https', '&', '#') }),
        (url) => {
          const safe = outputGuardHelpers.safeUrl(url);
          const opened = URL.canParse(safe, 'https://base.test/')
            ? new URL(safe, 'https://base.test/').protocol
            : 'none';
          expect(['http:', 'https:', 'none']).toContain(opened);
        },
      ),
    );
  });

  it('make no style', async () => {
    const body = document('<mj-text><span style="color: {{color}}">a</span></mj-text>');
    const template = await compileTemplate(testParts({ body }));
    const style = (color: string) => /<span style="color: ([^"]*)"/.exec(template.render({ color }).html)?.[1];
    expect(style('#ff0000')).toBe('#ff0000');
    for (const color of ['red;background:url(https://x)', 'expression(alert(1))', 'url(x)', '}', '/**/', '\\75rl']) {
      expect(style(color), color).toBe('');
    }
  });
});

describe('templates', () => {
  const refused: readonly (readonly [name: string, column: string, message: RegExp, line?: number])[] = [
    ['a script in text', '<mj-text>\n<script>alert(1)</script></mj-text>', /<script> is not for mail/, 3],
    ['a script in mj-raw', '\n<mj-raw><SCRIPT src="https://x.test"></SCRIPT></mj-raw>', /<script> is not for mail/, 3],
    ['a frame', '<mj-text><iframe src="https://x.test"></iframe></mj-text>', /<iframe>/],
    ['a form', '<mj-text><form action="https://x.test"></form></mj-text>', /<form>/],
    ['a picture that is a program', '<mj-text><svg><g></g></svg></mj-text>', /<svg>/],
    ['an event handler', '<mj-text>\n\n<b OnClick="x()">a</b></mj-text>', /"onclick" runs a program/, 4],
    ['an event handler without quotes', '<mj-text><b/onclick=x()>a</b></mj-text>', /"onclick"/],
    ['a link that is a program', '\n<mj-button href="javascript:x()">a</mj-button>', /scheme "javascript"/, 3],
    [
      'a link that hides it',
      '<mj-text><a href="&#106;ava&Tab;script&colon;x()">a</a></mj-text>',
      /scheme "javascript"/,
    ],
    ['a link whose scheme is a variable', '<mj-text><a href="{{a}}://x">a</a></mj-text>', /scheme of a link/],
    [
      'another page after a while',
      '<mj-raw><meta http-equiv="refresh" content="0;url=https://x.test"></mj-raw>',
      /http-equiv/,
    ],
    ['a style that loads a style', '<mj-text><style>@import "https://x.test";</style></mj-text>', /@import/],
    ['a style that runs', '<mj-text><b style="width:expression(x())">a</b></mj-text>', /expression/],
    ['a style that hides it', '<mj-text><b style="width:e\\78 pression(x())">a</b></mj-text>', /expression/],
    [
      'a style that loads without https',
      '<mj-text><b style="background:url(http://x.test)">a</b></mj-text>',
      /over https/,
    ],
    [
      'a style that loads a file',
      '<mj-text><b style="background:url(\'file:///etc/passwd\')">a</b></mj-text>',
      /over https/,
    ],
    ['an expression in a tag', '<mj-text>\n<b {{a}}>a</b></mj-text>', /outside of a quoted value/, 3],
    ['an expression as a tag', '<mj-text><b{{a}}>a</b></mj-text>', /in a tag/],
    ['an expression without quotes', '<mj-text><b title={{a}}>a</b></mj-text>', /quoted value/],
    ['an expression in a handler', '<mj-text><b onclick="{{a}}">a</b></mj-text>', /"onclick"/],
    [
      'a block that ends within a tag',
      '<mj-text>{{#if a}}<b title="{{else}}<i>{{/if}}x">a</b></mj-text>',
      /begins and ends/,
    ],
    ['an include of a file', '<mj-include path="/etc/passwd" />', /mj-include/],
    ['an include of an address', '<mj-include path="https://x.test/a.mjml" type="css" />', /mj-include/],
  ];
  it.each(refused.map(([name, column, message, line]) => ({ name, column, message, line })))(
    'are refused for $name',
    async ({ column, message, line }) => {
      const problems = await problemsOf({ body: document(column) });
      expect(problems.map((problem) => problem.message).join('\n')).toMatch(message);
      if (line !== undefined) expect(problems[0]?.line).toBe(line);
    },
  );

  it('may hold styles and markup of their own: mj-style and mj-raw are checked, not forbidden', async () => {
    const body =
      '<mjml><mj-head><mj-title>T</mj-title><mj-style>.a { color: red; background: url("https://x.test/a.png"); }</mj-style>' +
      '<mj-raw><meta name="x" content="y"></mj-raw></mj-head><mj-body><mj-raw><!-- c --><p>raw</p></mj-raw></mj-body></mjml>';
    expect((await compileTemplate(testParts({ body }))).render({}).html).toContain('<p>raw</p>');
  });

  it.each(['red;background:url(https://x.test)', 'x" onclick="y', '</style><script>', 'a}b{', 'u\\72l(x)', 'x/**/'])(
    'are refused for the font %s of a theme',
    async (fontFamily) => {
      for (const column of [
        '<mj-text font-family="{{theme.font}}">a</mj-text>',
        '<mj-text><b style="font-family:{{theme.font}}">a</b></mj-text>',
      ]) {
        const problems = await problemsOf({ body: document(column), theme: { font: fontFamily } });
        expect(problems.length === 0 ? 'accepted' : 'refused').toBe(
          /[;{}<>\\]|\/\*/.test(fontFamily) ? 'refused' : 'accepted',
        );
      }
      const style = `<mjml><mj-head><mj-title>T</mj-title><mj-style>b { font-family: {{theme.font}}; }</mj-style></mj-head><mj-body></mj-body></mjml>`;
      const kept = (await problemsOf({ body: style, theme: { font: fontFamily } })).length;
      expect(kept > 0 || !/[;{}<>\\]|\/\*/.test(fontFamily)).toBe(true);
    },
  );

  it('are refused for a logo that is a program', async () => {
    const body = document('<mj-image src="{{theme.logoUrl}}" alt="{{theme.name}}" />');
    const theme = { logoUrl: 'javascript:x()', name: 'A; B' };
    expect((await problemsOf({ body, theme }))[0]?.message).toMatch(/scheme "javascript"/);
    expect(await problemsOf({ body, theme: { ...theme, logoUrl: 'https://x.test/l.png' } })).toEqual([]);
  });
});

describe('bounds', () => {
  it('end loops that turn too often, before their output is made', async () => {
    const list = Array.from({ length: 200 }, () => 1);
    const body = document(
      '<mj-text>{{#each list}}{{#each @root.list}}{{#each @root.list}}{{/each}}{{/each}}{{/each}}</mj-text>',
    );
    expect((await problemsOf({ body }, { list }))[0]?.message).toMatch(`more than ${maxRepetitions} times`);
  });

  it('refuse texts that are too long, together or each as often as it is shown', async () => {
    const body = document('<mj-text>{{a}}</mj-text>');
    expect((await problemsOf({ body }, { a: 'x'.repeat(2 ** 20 + 1) }))[0]?.message).toMatch(/characters of text/);
    const often = document(`<mj-text>${'{{a}}'.repeat(1000)}</mj-text>`);
    expect((await problemsOf({ body: often }, { a: '<'.repeat(100_000) }))[0]?.message).toMatch(
      /more than a mail can show/,
    );
    const many = document(`<mj-text>${'{{a}}'.repeat(5001)}</mj-text>`);
    expect((await problemsOf({ body: many }, { a: 'x' }))[0]?.message).toMatch(/at most 5000/);
  });

  it('refuse data that is nested without end, or that is too much', async () => {
    let nested: JsonValue = 'x';
    for (let i = 0; i < 1000; i++) nested = [nested];
    const body = document('<mj-text>a</mj-text>');
    expect((await problemsOf({ body }, { nested }))[0]?.message).toMatch(/nested deeper/);
    const list = Array.from({ length: 200_001 }, () => 1);
    expect((await problemsOf({ body }, { list }))[0]?.message).toMatch(/more than 200000 values/);
  });

  it('say so for elements that are nested without end', async () => {
    const deep = `${'<mj-wrapper>'.repeat(20_000)}${'</mj-wrapper>'.repeat(20_000)}`;
    const body = `<mjml><mj-head><mj-title>T</mj-title></mj-head><mj-body>${deep}</mj-body></mjml>`;
    expect(await problemsOf({ body })).not.toEqual([]);
  });

  it('make the text part of long runs of blanks in linear time', () => {
    expect(htmlToText(`<p>a${'\u3000'.repeat(200_000)}b</p>`)).toHaveLength(200_003);
  });
});
