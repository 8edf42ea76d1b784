/**
 * The text alternative of a mail, from its HTML. Made for what MJML puts out: tables are layout, so cells of a row go on
 * one line and rows below each other; links keep their address, pictures their alternative text; what is hidden stays out.
 * In two stages, so that a template can have the first one behind it (text-program.ts): `toLayout` makes words with marks
 * between them out of markup, `layOut` makes lines out of those.
 */

/** What stands between the words: Unicode's noncharacters, which no text has. */
const mark = {
  paragraph: '\uFDD0',
  line: '\uFDD1',
  lineBreak: '\uFDD2',
  cell: '\uFDD3',
  item: '\uFDD4',
  /** The address follows, up to `end`. */
  link: '\uFDD5',
  linkEnd: '\uFDD6',
  /** The alternative text follows, up to `end`. */
  picture: '\uFDD7',
  end: '\uFDD8',
} as const;

const hasNoncharacter = /[\uFDD0-\uFDEF]/;
const noncharacters = /[\uFDD0-\uFDEF]+/g;

/** Text that holds no marks: what comes from outside goes through here before it meets them. */
export function withoutMarks(text: string): string {
  return hasNoncharacter.test(text) ? text.replace(noncharacters, '') : text;
}

/** Elements whose content is not for readers. */
const silentElements = new Set(['head', 'style', 'script', 'title', 'noscript', 'template']);
const voidElements = new Set(['area', 'base', 'br', 'col', 'hr', 'img', 'input', 'link', 'meta', 'source', 'wbr']);
const paragraphs = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'table', 'blockquote', 'pre']);
const lines = new Set(['div', 'tr', 'section', 'header', 'footer', 'address']);

const token =
  /<!--[\s\S]*?-->|<!\[[^>]*>|<![^>]*>|<\/([a-z][a-z0-9:-]*)[^>]*>|<([a-z][a-z0-9:-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>|[^<]+|</gi;

export function htmlToText(html: string): string {
  return layOut(toLayout(withoutMarks(html)));
}

/**
 * Markup to words and marks.
 * @param look is shown the attributes of each tag, as they are written
 */
export function toLayout(html: string, look?: (attributes: string) => void): string {
  let layout = '';
  const hidden: string[] = [];
  for (const match of html.matchAll(token)) {
    const [all, closed, opened, attributes = ''] = match;
    const name = (opened ?? closed ?? '').toLowerCase();
    if (opened !== undefined) look?.(attributes);
    if (hidden.length > 0) {
      if (opened !== undefined && !voidElements.has(name) && !attributes.endsWith('/')) hidden.push(name);
      else if (closed !== undefined && hidden.at(-1) === name) hidden.pop();
      continue;
    }
    if (name === '') {
      if (!all.startsWith('<!')) layout += decodeEntities(all);
    } else if (opened !== undefined && !voidElements.has(name) && isHidden(name, attributes)) {
      hidden.push(name);
    } else {
      layout += marksOf(name, opened === undefined, attributes);
    }
  }
  // Breaks beside each other are the largest of them; a cell ends there without a word after it.
  return layout.replace(/[ \t\n\r\f\uFDD0\uFDD1\uFDD3]{2,}/g, (run) => {
    if (run.includes(mark.paragraph)) return mark.paragraph;
    if (run.includes(mark.line)) return mark.line;
    return run.includes(mark.cell) ? mark.cell : ' ';
  });
}

function marksOf(name: string, closing: boolean, attributes: string): string {
  if (name === 'br') return mark.lineBreak;
  if (name === 'img') return `${mark.picture}${attribute(attributes, 'alt')}${mark.end}`;
  if (name === 'a') return closing ? mark.linkEnd : `${mark.link}${attribute(attributes, 'href')}${mark.end}`;
  if (name === 'td' || name === 'th') return closing ? mark.cell : '';
  if (paragraphs.has(name)) return mark.paragraph;
  if (name === 'li') return closing ? mark.line : mark.item;
  return lines.has(name) ? mark.line : '';
}

const layoutToken = /[\uFDD0-\uFDD4\uFDD6]|[\uFDD5\uFDD7]([^\uFDD8]*)\uFDD8|[^\uFDD0-\uFDEF]+/g;

/** Words and marks to lines. */
export function layOut(layout: string): string {
  /** The lines before, and the one that is being written: its end is looked at often, which costs less while it is short. */
  let done = '';
  let row = '';
  /** At the end of `done`. */
  let newlines = 0;
  let link: { readonly href: string; readonly start: number } | undefined;

  const endRow = () => {
    newlines = row === '' ? newlines + 1 : 1;
    done += `${row}\n`;
    row = '';
  };
  const trimBlanks = () => {
    let end = row.length;
    while (end > 0 && row.charCodeAt(end - 1) === 0x20) end--;
    if (end < row.length) row = row.slice(0, end);
  };
  const breakLine = (count: 1 | 2) => {
    trimBlanks();
    if (done === '' && row === '') return;
    while (row !== '' || newlines < count) endRow();
  };
  const atBlank = () => row === '' || row.endsWith(' ');
  const write = (words: string) => {
    const spaced = /[\t\n\r\f]| {2}/.test(words) ? words.replace(/[ \t\n\r\f]+/g, ' ') : words;
    row += spaced.startsWith(' ') && atBlank() ? spaced.slice(1) : spaced;
  };
  const closeLink = ({ href, start }: NonNullable<typeof link>) => {
    const label = (start < done.length ? `${done}${row}`.slice(start) : row.slice(start - done.length)).trim();
    trimBlanks();
    if (href !== '' && !href.startsWith('#') && label !== href) write(label === '' ? href : `: ${href}`);
  };

  for (const [all, value = ''] of layout.matchAll(layoutToken)) {
    switch (all[0]) {
      case mark.paragraph:
        breakLine(2);
        break;
      case mark.line:
        breakLine(1);
        break;
      case mark.lineBreak:
        trimBlanks();
        endRow();
        break;
      case mark.cell:
        trimBlanks();
        if (!atBlank()) row += '  ';
        break;
      case mark.item:
        breakLine(1);
        row += '- ';
        break;
      case mark.link:
        link = { href: value.trim(), start: done.length + row.length };
        break;
      case mark.linkEnd:
        if (link) closeLink(link);
        link = undefined;
        break;
      case mark.picture:
        write(value.trim());
        break;
      default:
        write(all);
    }
  }
  const rows = `${done}${row}`.split('\n').map((line) => line.trimEnd());
  return `${rows
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}

/** Preview texts and decoration are in the HTML for mail programs, not for readers. */
function isHidden(name: string, attributes: string): boolean {
  if (silentElements.has(name)) return true;
  // Most elements say nothing of the kind, and a look at the attributes as they are written tells.
  if (!/display|aria-hidden|&/i.test(attributes)) return false;
  return /display:\s*none/i.test(attribute(attributes, 'style')) || attribute(attributes, 'aria-hidden') === 'true';
}

const patterns = Object.fromEntries(
  (['style', 'aria-hidden', 'href', 'alt'] as const).map((name) => [
    name,
    new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i'),
  ]),
) as Record<'style' | 'aria-hidden' | 'href' | 'alt', RegExp>;

function attribute(attributes: string, name: keyof typeof patterns): string {
  const match = patterns[name].exec(attributes);
  return decodeEntities(match?.[1] ?? match?.[2] ?? match?.[3] ?? '').trim();
}

const namedEntities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  zwnj: '',
  shy: '',
  hellip: '…',
  middot: '·',
  bull: '•',
  ndash: '–',
  mdash: '—',
  rarr: '→',
  larr: '←',
  copy: '©',
  laquo: '«',
  raquo: '»',
  times: '×',
};

/** Decimal, hexadecimal and the usual named references; an unknown one stays as it is written. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi,
    (all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return namedEntities[name] ?? all;
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      if (code >= 0xfdd0 && code <= 0xfdef) return '';
      return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : all;
    },
  );
}
