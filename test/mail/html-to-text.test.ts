import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntities, htmlToText } from '../../activities/mail/html-to-text.js';

describe('text from HTML', () => {
  it.each([
    ['<p>One</p><p>Two</p>', 'One\n\nTwo\n'],
    ['<div>One</div><div>Two</div>', 'One\nTwo\n'],
    ['a<br>b<br/>c', 'a\nb\nc\n'],
    ['<a href="https://x.test/?a=1&amp;b=2">Open it</a>.', 'Open it: https://x.test/?a=1&b=2.\n'],
    ['<a href="https://x.test">https://x.test</a>', 'https://x.test\n'],
    ['<a href="#top">Top</a>', 'Top\n'],
    ['<table><tr><td>Name</td><td>12 MB</td></tr><tr><td>B</td><td>1</td></tr></table>', 'Name  12 MB\nB  1\n'],
    ['<ul><li>a</li><li>b</li></ul>', '- a\n- b\n'],
    ['<img src="x" alt="Aurora"> shop', 'Aurora shop\n'],
    ['<style>p{}</style><title>t</title><p>x</p><!-- c --><!--[if mso]><b>no</b><![endif]-->', 'x\n'],
    ['<div style="display:none;max-height:0"><p>pre<br>view</p></div><p>x</p>', 'x\n'],
    ['<span aria-hidden="true">✓</span>done', 'done\n'],
    ['a  \n b&nbsp;c &lt;b&gt; &#x2713; &#10003; &unknown;', 'a b c <b> ✓ ✓ &unknown;\n'],
  ])('%s', (html, text) => {
    expect(htmlToText(html).replaceAll('\u00a0', ' ')).toBe(text);
  });

  it('gives escaped text back as it was, and ends for any input', () => {
    const escape = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeEntities(escape(text))).toBe(decodeEntities(text.replaceAll('&', '&#38;')));
        expect(htmlToText(text)).toMatch(/\n$/);
      }),
    );
  });
});
