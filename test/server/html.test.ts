import { describe, expect, it } from 'vitest';
import { html } from '../../server/html.js';

describe('html', () => {
  it('escapes what is put in, and keeps HTML', () => {
    const name = `<script>"&'`;
    expect(html`<a title="${name}">${name}</a>${html`<b>${1}</b>`}`.html).toBe(
      '<a title="&lt;script&gt;&quot;&amp;&#39;">&lt;script&gt;&quot;&amp;&#39;</a><b>1</b>',
    );
  });
  it('joins lists and leaves out what is not there', () => {
    expect(html`<p>${['<', html`<i></i>`]}${undefined}${false}${0}</p>`.html).toBe('<p>&lt;<i></i>0</p>');
  });
});
