/** E4: the text alternative is a template of its own, and says what reading the finished HTML would. */
import fc from 'fast-check';
import Handlebars from 'handlebars';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../activities/mail/compile-template.js';
import { htmlToText } from '../../activities/mail/html-to-text.js';
import { textProgram } from '../../activities/mail/text-program.js';
import { builtInLocales, builtInParts, builtInTemplates, document, sampleOf, testParts } from './template-files.js';

const compile = (content: string) => compileTemplate(testParts({ body: document(`<mj-text>${content}</mj-text>`) }));

const values = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '  a\n b ',
    'https://x.test/',
    '#top',
    '<b>&amp;',
    '\u00a0',
    '\uFDD0x\uFDE01\uFDE0',
    '\n\n\n',
  ),
  fc.string({ maxLength: 8, unit: 'binary' }),
);
const variables = fc.record({
  text: values,
  link: values,
  yes: fc.boolean(),
  list: fc.array(values, { maxLength: 3 }),
});

const { content } = fc.letrec<{ content: string; piece: string }>((tie) => ({
  content: fc.array(tie('piece'), { maxLength: 4 }).map((pieces) => pieces.join('')),
  piece: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom('word', ' ', '\n  ', '&middot;', '&nbsp;', '<br />', '<!-- no -->', '<!--[if mso]>no<![endif]-->'),
    fc.constantFrom(
      '{{@root.text}}',
      ' {{@root.text}} ',
      '{{~@root.text}}',

      '{{number @root.list.length}}',
    ),
    fc.constantFrom('<img alt="a" />', '<img alt="{{@root.text}}" />', '<img src="x.png" alt=" {{@root.text}} b " />'),
    fc
      .tuple(fc.constantFrom('div', 'p', 'li', 'tr', 'td', 'th', 'strong', 'table', 'h1', 'span'), tie('content'))
      .map(([name, inner]) => `<${name}>${inner}</${name}>`),
    fc
      .tuple(fc.constantFrom('style="display:none"', 'aria-hidden="true"', 'style="color:red"'), tie('content'))
      .map(([attribute, inner]) => `<div ${attribute}>${inner}</div>`),
    fc
      .tuple(fc.constantFrom('{{@root.link}}', 'https://x.test/', '#x'), tie('content'))
      .map(([href, inner]) => `<a href="${href}">${inner}</a>`),
    fc
      .tuple(tie('content'), tie('content'))
      .map(([then, otherwise]) => `{{#if @root.yes}}${then}{{else}}${otherwise}{{/if}}`),
    tie('content').map((inner) => `{{#unless @root.yes}}\n${inner}\n{{/unless}}`),
    tie('content').map((inner) => `{{#each @root.list}}${inner}{{@index}}{{else}}none{{/each}}`),
  ),
}));

describe('the text alternative', () => {
  const samples = builtInTemplates.flatMap((template) => builtInLocales.map((locale) => [template, locale] as const));

  it.each(samples)('of %s in %s is what its HTML says', async (template, locale) => {
    const compiled = await compileTemplate(builtInParts(template, locale));
    for (const variant of ['sample', 'sample-long'] as const) {
      const { html, text } = compiled.render(sampleOf(template, variant));
      expect(text).toBe(htmlToText(html));
    }
  });

  it('is what the HTML says, of any template', async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.array(variables, { minLength: 1, maxLength: 3 }), async (source, givens) => {
        const compiled = await compile(source);
        for (const given of givens) {
          const { html, text } = compiled.render(given);
          expect(text).toBe(htmlToText(html));
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    '{{#if yes}}<div style="display:none">{{else}}<div>{{/if}}secret</div>',
    '{{#if no}}<div style="display:none">{{else}}<div>{{/if}}secret</div>',
    '<div style="{{#if yes}}display:none{{/if}}">secret</div>',
    '<div {{#if yes}}style="display:none"{{/if}}>secret</div>',
    '<div style="display:{{kind}}">secret</div>',
    '<div aria-hidden="{{yes}}">secret</div>',
    '<a href="{{#if yes}}https://x.test{{/if}}">secret</a>',
  ])('is read from the HTML where only that tells: %s', async (source) => {
    expect(textProgram(Handlebars.parse(source))).toBeUndefined();
    const { html, text } = (await compile(source)).render({ yes: true, no: false, kind: 'none' });
    expect(html).toContain('secret');
    expect(text).toBe(htmlToText(html));
  });

  it('needs no HTML for what mails have', () => {
    const source =
      '<p>{{#each list}}<a href="{{url}}" style="color:{{color}}">{{name}}</a>{{else}}None{{/each}}</p>' +
      '<div aria-hidden="true">{{#if icon}}{{icon}}{{/if}}</div>';
    const program = textProgram(Handlebars.parse(source));
    const render = Handlebars.compile(program, { noEscape: true });
    expect(render({ list: [{ url: 'u', name: '<n>', color: 'red' }] })).toMatch(/^\W*u\W<n>\W+$/);
  });
});
