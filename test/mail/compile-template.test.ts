import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTemplate, maxRenderedCharacters, toHeaderLine } from '../../activities/mail/compile-template.js';
import { decodeEntities } from '../../activities/mail/html-to-text.js';
import { document, problemsOf, renderText, testParts } from './template-files.js';

describe('blocks in MJML', () => {
  it('repeats whole elements, rows and words', async () => {
    const body = document(
      `{{#each files}}
       <mj-text>{{name}}</mj-text>
       {{/each}}
       <mj-table>{{#each files}}<tr><td>row {{name}}</td></tr>{{/each}}</mj-table>
       <mj-text>{{#each files}}{{name}}{{#unless @last}}, {{/unless}}{{/each}}</mj-text>`,
    );
    const template = await compileTemplate(testParts({ body }));
    const { html, text } = template.render({ files: [{ name: 'one' }, { name: 'two' }, { name: 'three' }] });
    expect(html.match(/<div[^>]*>(one|two|three)<\/div>/g)).toHaveLength(3);
    expect(html.match(/<tr><td>row (one|two|three)<\/td><\/tr>/g)).toHaveLength(3);
    expect(text).toContain('one, two, three');
  });

  it('chooses between whole sections, and nests', async () => {
    const section = (text: string) => `<mj-section><mj-column><mj-text>${text}</mj-text></mj-column></mj-section>`;
    const body = `<mjml><mj-head><mj-title>T</mj-title></mj-head><mj-body>
      {{#if a}}{{#each list}}${section('item {{this}}')}{{/each}}{{else if b}}${section('second')}{{else}}${section('third')}{{/if}}
      </mj-body></mjml>`;
    const template = await compileTemplate(testParts({ body }));
    expect(template.render({ a: true, b: true, list: ['x', 'y'] }).text).toMatch(/item x\s+item y/);
    expect(template.render({ a: false, b: true, list: [] }).text.trim()).toBe('second');
    expect(template.render({ a: false, b: false, list: [] }).text.trim()).toBe('third');
  });

  it('keeps expressions in attributes, with their quotes, and in styles', async () => {
    const body = `<mjml><mj-head><mj-title>T</mj-title><mj-style>.x { width: {{number width}}px; }</mj-style></mj-head><mj-body><mj-section><mj-column>
      <mj-button href="{{#if (eq kind "a")}}{{url}}{{else}}about:blank{{/if}}">go</mj-button>
      </mj-column></mj-section></mj-body></mjml>`;
    const { html } = (await compileTemplate(testParts({ body }))).render({
      kind: 'a',
      url: 'https://x.test/?a=1&b=2',
      width: 12,
    });
    const href = /href="([^"]*)"/.exec(html)?.[1] ?? '';
    expect(decodeEntities(href)).toBe('https://x.test/?a=1&b=2');
    expect(html).toContain('.x { width: 12px; }');
  });

  it('refuses what MJML would leave out without a word', async () => {
    const body = document('<mj-text>shown</mj-text>\nlost words\n{{title}}');
    expect(await problemsOf({ body })).toEqual([
      { file: 'test/en.mjml', line: 3, message: expect.stringContaining('"lost words"') as string },
      { file: 'test/en.mjml', line: 4, message: expect.stringContaining('{{title}}') as string },
    ]);
  });
});

describe('partials and theme', () => {
  it('flattens partials before MJML, with variables of the caller', async () => {
    const body = document(
      `{{#each links}}{{> button href=url label=../word}}{{/each}}{{> button href=home label="Home"}}`,
    );
    const partials = { button: '<mj-button href="{{href}}">{{label}} {{> mark}}</mj-button>', mark: '!' };
    const template = await compileTemplate(testParts({ body, partials }));
    const { text } = template.render({
      links: [{ url: 'https://a.test' }, { url: 'https://b.test' }],
      word: 'Open',
      home: 'https://h.test',
    });
    expect(text.match(/(Open|Home) !: https:\/\/[abh]\.test/g)).toEqual([
      'Open !: https://a.test',
      'Open !: https://b.test',
      'Home !: https://h.test',
    ]);
    expect(template.layers).toMatchObject({ 'partials/button': '/libs', 'partials/mark': '/libs' });
  });

  it('puts theme values where MJML checks them', async () => {
    const body = document('<mj-text color="{{theme.color}}">{{theme.name}}</mj-text>');
    const rendered = (theme: Record<string, string>) => compileTemplate(testParts({ body, theme }));
    expect((await rendered({ color: '#123456', name: 'A & B' })).render({}).html).toContain('color:#123456');
    expect((await rendered({ color: '#123456', name: 'A & "B" {x}' })).render({}).text.trim()).toBe('A & "B" {x}');
    expect(await problemsOf({ body, theme: { color: 'crimsom', name: 'A' } })).toEqual([
      { file: 'test/en.mjml', line: 2, message: expect.stringContaining('crimsom') as string },
    ]);
    expect(await problemsOf({ body, theme: { name: 'A' } })).toEqual([
      { file: 'test/en.mjml', line: 2, message: expect.stringContaining('no property "color"') as string },
    ]);
    expect(await problemsOf({ body, theme: { color: '#123456', name: '{{secret}}' } })).toHaveLength(1);
  });

  it('names the partial that is missing, that includes itself, or that is wrong inside', async () => {
    const broken = document('<mj-text>a</mj-text>\n{{> nope}}');
    expect(await problemsOf({ body: broken, partials: { header: '' } })).toEqual([
      { file: 'test/en.mjml', line: 3, message: 'There is no partial "nope" (known: header).' },
    ]);
    const loop = await problemsOf({ body: document('{{> a}}'), partials: { a: '{{> b}}', b: '\n\n{{> a}}' } });
    expect(loop).toEqual([
      { file: 'partials/b.mjml', line: 3, message: expect.stringContaining('a → b → a') as string },
    ]);
    const inside = await problemsOf({
      body: document('\n\n{{> a}}'),
      partials: { a: '<mj-text>\n</mj-text>\n\n<mj-txt>x</mj-txt>' },
    });
    expect(inside).toEqual([
      { file: 'partials/a.mjml', line: 4, message: expect.stringContaining('mj-txt') as string },
    ]);
  });

  it('bounds what partials multiply to', async () => {
    const partials = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`p${i}`, i === 8 ? 'x'.repeat(1000) : `{{> p${i + 1}}}`.repeat(10)]),
    );
    const problems = await problemsOf({ body: document('<mj-text>{{> p0}}</mj-text>'), partials });
    expect(problems[0]?.message).toMatch(/longer than 524288 characters/);
  });
});

describe('errors say file and line', () => {
  const schema = {
    type: 'object',
    properties: {
      title: { type: 'string' },
      archives: { type: 'array', items: { type: 'object', properties: { file: { type: 'string' } } } },
    },
  };
  const cases: readonly (readonly [name: string, column: string, line: number, message: RegExp])[] = [
    ['an unknown element', '<mj-text>a</mj-text>\n\n<mj-tekst>b</mj-tekst>', 4, /mj-tekst/],
    ['an unknown attribute', '\n<mj-text colour="red">a</mj-text>', 3, /colour/],
    ['an invalid value', '\n<mj-text font-size="{{title}}">a</mj-text>', 3, /\{\{title\}\}/],
    ['a Handlebars typo', '<mj-text>a</mj-text>\n<mj-text>{{title}</mj-text>', 3, /does not parse/],
    ['a block that is not closed', '<mj-text>{{#if title}}a</mj-text>', 3, /does not parse/],
    ['an unknown variable', '<mj-text>\n{{titel}}</mj-text>', 3, /no variable "titel"; did you mean "title"/],
    ['an unknown variable in a condition', '<mj-text>\n{{#if titel}}a{{/if}}</mj-text>', 3, /"titel"/],
    [
      'an unknown variable in a loop',
      '<mj-text>\n{{#each archives}}\n{{fle}}{{/each}}</mj-text>',
      4,
      /"fle"; did you mean "file"/,
    ],
    ['an unknown helper', '<mj-text>\n{{shout title}}</mj-text>', 3, /no helper "shout"/],
    ['an unknown block', '<mj-text>\n{{#wen title}}a{{/wen}}</mj-text>', 3, /no block "wen"/],
    ['a loop over what is no list', '<mj-text>\n{{#each title}}a{{/each}}</mj-text>', 3, /needs a list/],
    ['unescaped output', '<mj-text>\n{{{title}}}</mj-text>', 3, /Unescaped/],
    ['an inline partial', '<mj-text>\n{{#*inline "x"}}a{{/inline}}</mj-text>', 3, /not supported/],
    [
      'an element that is closed by another name',
      '<mj-text>a</mj-text>\n</mj-colum>',
      3,
      /<\/mj-colum> stands where <mj-column>/,
    ],
    ['an element that is closed twice', '<mj-text>a</mj-text>\n</mj-text>', 3, /<\/mj-text> stands where <mj-column>/],
    ['text that is not closed', '<mj-text>a\n<mj-text>b</mj-text>', 2, /<mj-text> is never closed/],
    ['text that is closed by another name', '\n<mj-text>a</mj-txt>', 3, /<mj-text> is never closed/],
    [
      'an element that is not closed',
      '<mj-text>a</mj-text>\n<mj-wrapper>',
      4,
      /<\/mj-column> stands where <mj-wrapper>/,
    ],
    ['mj-include', '\n<mj-include path="/etc/passwd" />', 3, /mj-include/],
    ['mj-include in capitals', '\n<MJ-INCLUDE path="/etc/passwd" type="html" />', 3, /mj-include/],
  ];
  it.each(cases)('%s', async (_name, column, line, message) => {
    const problems = await problemsOf({ body: document(column), schema });
    expect(problems.map((problem) => [problem.file, problem.line])).toEqual([['test/en.mjml', line]]);
    expect(problems[0]?.message).toMatch(message);
  });

  it('a value that a helper cannot use, at the place that uses it', async () => {
    const body = document('<mj-text>a</mj-text>\n<mj-text>{{bytes size}}</mj-text>');
    const [problem] = await problemsOf({ body }, { size: 'big' });
    expect(problem).toEqual({
      file: 'test/en.mjml',
      line: 3,
      message: expect.stringMatching(/"bytes" needs a number.*"big"/) as string,
    });
  });

  it('a variable that is not there, without a schema', async () => {
    const body = document('<mj-text>a</mj-text>\n<mj-text>\n{{nobody}}</mj-text>');
    const [problem] = await problemsOf({ body }, {});
    expect(problem).toMatchObject({ file: 'test/en.mjml', line: 4 });
    expect(problem?.message).toContain('"nobody"');
  });

  it('a missing subject', async () => {
    const body = '<mjml><mj-body></mj-body></mjml>';
    expect((await problemsOf({ body }))[0]?.message).toContain('no subject');
  });

  it('variables that do not fit the schema', async () => {
    const problems = await problemsOf({ body: document('<mj-text>{{title}}</mj-text>'), schema }, { title: 7 });
    expect(problems[0]).toMatchObject({ file: 'test/variables.schema.json' });
    expect(problems[0]?.message).toContain('title');
  });

  it('output beyond the bound', async () => {
    const body = document('<mj-text>{{#each list}}{{#each ../list}}{{@root.word}}{{/each}}{{/each}}</mj-text>');
    const variables = {
      list: Array.from({ length: 100 }, () => 1),
      word: 'x'.repeat(1 + maxRenderedCharacters / 10_000),
    };
    expect((await problemsOf({ body }, variables))[0]?.message).toMatch(/at most 1048576 are sent/);
  });
});

describe('hostile values', () => {
  it('shows markup as text, in the text and in attributes', async () => {
    const hostile = fc.string({
      unit: fc.constantFrom('<', '>', '"', "'", '&', '{{', '}}', '`', '=', 'script', ' x', '/', '\\'),
    });
    const body = document('<mj-text><a title="{{name}}" href="https://x.test/">{{name}}</a></mj-text>');
    const template = await compileTemplate(testParts({ body }));
    const harmless = template.render({ name: 'N' }).html;
    fc.assert(
      fc.property(hostile, (name) => {
        const { html } = template.render({ name });
        const [start, middle, end] = harmless.split(/(?<=title=")N|(?<=">)N(?=<\/a>)/);
        expect(html.startsWith(start ?? '!')).toBe(true);
        expect(html.endsWith(end ?? '!')).toBe(true);
        const inner = html.slice(start?.length, html.length - (end?.length ?? 0));
        const [attribute, content, ...more] = inner.split(middle ?? '!');
        expect(more).toEqual([]);
        expect(attribute).not.toMatch(/["<>]/);
        expect(content).not.toMatch(/[<>]/);
        expect(decodeEntities(content ?? '')).toBe(name);
        expect(decodeEntities(attribute ?? '')).toBe(name);
      }),
    );
  });

  it.each(['constructor', '__proto__', 'prototype', 'title.constructor', 'list.map', 'toString', '__lookupGetter__'])(
    'finds no way to %s',
    async (path) => {
      expect(await problemsOf({ body: document(`<mj-text>{{${path}}}</mj-text>`) })).toHaveLength(1);
      expect(await problemsOf({ body: document(`<mj-text>{{#with ${path}}}x{{/with}}</mj-text>`) })).toHaveLength(1);
    },
  );

  it('finds no prototype through a name that is computed', async () => {
    const { text } = await renderText('[{{#with (lookup data key)}}{{name}}{{/with}}]', {
      data: {},
      key: 'constructor',
    });
    expect(text.trim()).toBe('[]');
  });

  it('keeps a variable that is called like something of Object', async () => {
    const { text } = await renderText('{{data.name}} {{data.length}}', { data: { name: 'n', length: 3 } });
    expect(text.trim()).toBe('n 3');
  });
});

describe('subject', () => {
  it('comes from mj-title, as plain text, with line breaks gone', async () => {
    const body = document('<mj-text>x</mj-text>', 'Ready &amp; {{name}}');
    const template = await compileTemplate(testParts({ body }));
    expect(template.render({ name: 'a\r\nBcc: x@y.test\u2028<b>' }).subject).toBe('Ready & a Bcc: x@y.test <b>');
  });

  it('is overridden by the subject node, and the page title follows', async () => {
    const template = await compileTemplate(
      testParts({ body: document('<mj-text>x</mj-text>', 'Old'), subject: 'New {{name}}' }),
    );
    const { subject, html } = template.render({ name: '<N>' });
    expect(subject).toBe('New <N>');
    expect(html).toContain('<title>New &lt;N&gt;</title>');
    expect(html).not.toContain('Old');
  });

  it('is refused when it is empty', async () => {
    const body = document('<mj-text>x</mj-text>', '{{name}}');
    expect((await problemsOf({ body }, { name: ' \n' }))[0]?.message).toContain('subject is empty');
  });

  it('is one line of at most 255 units, whatever goes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const line = toHeaderLine(text);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(line.length).toBeLessThanOrEqual(255);
        expect(line.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('text alternative', () => {
  it('is its own file where there is one, unescaped', async () => {
    const { text } = await renderText(
      'x',
      { name: 'A & B', size: 5 },
      { text: '{{name}} <{{bytes size}}>', theme: { c: 'y' } },
    );
    expect(text).toBe('A & B <5\u00a0bytes>');
  });
});

describe('helpers', () => {
  const cases: readonly (readonly [
    locale: string,
    source: string,
    variables: Record<string, number | string>,
    expected: string,
  ])[] = [
    ['en', '{{bytes n}}', { n: 0 }, '0 bytes'],
    ['en', '{{bytes n}}', { n: 1023 }, '1,023 bytes'],
    ['en', '{{bytes n}}', { n: 1024 }, '1 kB'],
    ['en', '{{bytes n}}', { n: 1536 * 1024 }, '1.5 MB'],
    ['fr', '{{bytes n}}', { n: 1536 * 1024 }, '1,5\u202fMo'],
    ['de', '{{number n}}', { n: 1234567 }, '1.234.567'],
    ['en', '{{date d}}', { d: '2030-06-14T16:00:00Z' }, 'June 14, 2030 at 4:00\u202fPM UTC'],
    ['de', '{{date d timeZone="Europe/Zurich"}}', { d: '2030-06-14T16:00:00Z' }, '14. Juni 2030 um 18:00 MESZ'],
    ['en', '{{plural n one="# file" other="# files"}}', { n: 1 }, '1 file'],
    ['en', '{{plural n one="# file" other="# files"}}', { n: 1200 }, '1,200 files'],
    ['fr', '{{plural n one="# fichier" other="# fichiers"}}', { n: 0 }, '0 fichier'],
    ['ja', '{{plural n other="# 件"}}', { n: 1 }, '1 件'],
    ['en', '{{duration n}}', { n: 1.44 }, '1.4 sec'],
    ['en', '{{duration n}}', { n: 125 }, '2 min 5 sec'],
    ['en', '{{duration n}}', { n: 7260 }, '2 hr 1 min'],
  ];
  it.each(cases)('%s %s %o', async (locale, source, variables, expected) => {
    const { text } = await renderText('x', variables, { locale, text: source });
    // Which blank stands before a unit differs between versions of the locale data.
    expect(text.replace(/\s/gu, ' ')).toBe(expected.replace(/\s/gu, ' '));
  });
});

describe('a number and its unit', () => {
  it.each(['en', 'de', 'fr', 'ja'])('stay on one line in %s', async (locale) => {
    const source = '{{bytes size}}|{{bytes few}}|{{duration short}}|{{duration long}}';
    const { text } = await renderText('x', { size: 7.4e6, few: 12, short: 3.5, long: 125 }, { locale, text: source });
    expect(text).not.toMatch(/\d \p{L}/u);
    expect(text.match(/\d/g)?.length).toBeGreaterThan(5);
  });
});

describe('version', () => {
  const base = {
    body: document('{{> a}}'),
    partials: { a: '<mj-text color="{{theme.c}}">a</mj-text>', unused: 'x' },
    theme: { c: '#000000' },
  };
  const versionOf = async (template: typeof base) => (await compileTemplate(testParts(template))).version;

  it('follows what is used, and only that', async () => {
    const version = await versionOf(base);
    expect(await versionOf({ ...base, partials: { ...base.partials, unused: 'y' } })).toBe(version);
    expect(await versionOf({ ...base, theme: { c: '#000001' } })).not.toBe(version);
    expect(await versionOf({ ...base, partials: { ...base.partials, a: '<mj-text>b</mj-text>' } })).not.toBe(version);
  });
});
