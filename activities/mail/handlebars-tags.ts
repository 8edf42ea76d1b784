/** Finds the `{{…}}` tags of a text that Handlebars has parsed without complaint. */

export interface HandlebarsTag {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** `block` tags open, divide or close a block and print nothing themselves. */
  readonly kind: 'block' | 'partial' | 'comment' | 'expression';
}

const tagPattern = /\{\{(?:~?!--[\s\S]*?--~?|~?![\s\S]*?|(?:"[^"]*"|'[^']*'|\[[^\]]*\]|[^}"'[]|\}(?!\}))*?)\}\}/g;

export function findTags(text: string): HandlebarsTag[] {
  return [...text.matchAll(tagPattern)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    text: match[0],
    kind: kindOf(match[0]),
  }));
}

function kindOf(tag: string): HandlebarsTag['kind'] {
  const inner = tag.replace(/^\{\{~?\s*/, '');
  if (inner.startsWith('!')) return 'comment';
  if (inner.startsWith('>')) return 'partial';
  return /^(?:[#/^]|else\b)/.test(inner) ? 'block' : 'expression';
}
