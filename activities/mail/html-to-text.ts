/**
 * The text alternative of a mail, from its HTML. Made for what MJML puts out: tables are layout, so cells of a row go on
 * one line and rows below each other; links keep their address, pictures their alternative text; what is hidden stays out.
 */

/** Elements whose content is not for readers. */
const silentElements = new Set(['head', 'style', 'script', 'title', 'noscript', 'template']);
const voidElements = new Set(['area', 'base', 'br', 'col', 'hr', 'img', 'input', 'link', 'meta', 'source', 'wbr']);
const paragraphs = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'table', 'blockquote', 'pre']);
const lines = new Set(['div', 'tr', 'li', 'section', 'header', 'footer', 'address']);

const token =
  /<!--[\s\S]*?-->|<!\[[^>]*>|<![^>]*>|<\/([a-z][a-z0-9:-]*)[^>]*>|<([a-z][a-z0-9:-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>|[^<]+|</gi;

export function htmlToText(html: string): string {
  let text = '';
  const hidden: string[] = [];
  let link: { readonly href: string; readonly start: number } | undefined;

  const trimBlanks = () => {
    while (text.endsWith(' ')) text = text.slice(0, -1);
  };
  const atBlank = () => text === '' || text.endsWith(' ') || text.endsWith('\n');
  const breakLine = (count: 1 | 2) => {
    trimBlanks();
    if (text === '') return;
    if (!text.endsWith('\n')) text += '\n';
    if (count === 2 && !text.endsWith('\n\n')) text += '\n';
  };
  const write = (words: string) => {
    const spaced = atBlank() ? words.replace(/^[ \t\n\r\f]+/, '') : words;
    text += spaced.replace(/[ \t\n\r\f]+/g, ' ');
  };

  for (const match of html.matchAll(token)) {
    const [all, closed, opened, attributes = ''] = match;
    const name = (opened ?? closed ?? '').toLowerCase();
    if (hidden.length > 0) {
      if (opened !== undefined && !voidElements.has(name) && !attributes.endsWith('/')) hidden.push(name);
      else if (closed !== undefined && hidden.at(-1) === name) hidden.pop();
      continue;
    }
    if (name === '') {
      if (!all.startsWith('<!')) write(decodeEntities(all));
      continue;
    }
    if (opened !== undefined && !voidElements.has(name) && isHidden(name, attributes)) {
      hidden.push(name);
    } else if (name === 'br') {
      trimBlanks();
      text += '\n';
    } else if (name === 'img') {
      write(attribute(attributes, 'alt'));
    } else if (name === 'a') {
      if (opened !== undefined) link = { href: attribute(attributes, 'href'), start: text.length };
      else if (link) {
        const label = text.slice(link.start).trim();
        trimBlanks();
        if (link.href !== '' && !link.href.startsWith('#') && label !== link.href) {
          write(label === '' ? link.href : `: ${link.href}`);
        }
        link = undefined;
      }
    } else if (name === 'td' || name === 'th') {
      if (closed !== undefined) {
        trimBlanks();
        if (!atBlank()) text += '  ';
      }
    } else if (paragraphs.has(name)) {
      breakLine(2);
    } else if (lines.has(name)) {
      breakLine(1);
      if (opened === 'li') text += '- ';
    }
  }
  const rows = text.split('\n').map((row) => row.trimEnd());
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
      return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : all;
    },
  );
}
