/**
 * Reads HTML piece by piece and says where in it the end is: in text, in the value of an attribute, in a style. So that every
 * expression can be escaped for where it stands (guard-output.ts), and active content is found wherever it is written. Pure.
 */

export type OutputContext =
  | { readonly kind: 'text' }
  | { readonly kind: 'comment' }
  /** Within a tag, outside of the values of its attributes; `attribute` is the name read last. */
  | { readonly kind: 'tag'; readonly element: string; readonly attribute: string; readonly equals: boolean }
  /** `value` is what is known of the value so far, with `\0` for each expression. */
  | {
      readonly kind: 'value';
      readonly element: string;
      readonly attribute: string;
      readonly quote: string;
      readonly value: string;
    }
  /** Content that is not markup: `style`, `title`, `textarea`. `value` as above, of `style`. */
  | { readonly kind: 'raw'; readonly element: string; readonly value: string };

export interface OutputFinding {
  /** As it is written, to find it in the template. */
  readonly written: string;
  readonly message: string;
}

/** What runs, loads or sends something by itself; mail programs drop it, pages that show mails might not. */
const activeElements = new Set(
  'script iframe frame frameset object embed applet base link form input button select svg math portal'.split(' '),
);
const rawElements = new Set(['style', 'title', 'textarea', 'xmp', 'noscript', 'noembed', 'plaintext']);
const urlAttributes = new Set(
  'href src srcset background action formaction poster cite longdesc data xlink:href ping manifest'.split(' '),
);
/** Schemes of links; `data:` is for pictures, and only where the template itself has it. */
const schemes = new Set(['http', 'https', 'mailto', 'tel', 'cid']);

export function isUrlAttribute(name: string): boolean {
  return urlAttributes.has(name);
}

/** Whether a URL with this scheme may be opened from a mail. */
export function isLinkScheme(scheme: string): boolean {
  return schemes.has(scheme.toLowerCase());
}

/** @returns the context after `text`, and what in it is not for mail */
export function readOutput(
  text: string,
  start: OutputContext,
): { readonly context: OutputContext; readonly findings: readonly OutputFinding[] } {
  const findings: OutputFinding[] = [];
  let context = start;
  let at = 0;
  const find = (written: string, message: string) => findings.push({ written, message });

  const closeValue = (element: string, attribute: string, value: string) => {
    for (const finding of valueFindings(element, attribute, value)) findings.push(finding);
    context = { kind: 'tag', element, attribute: '', equals: false };
  };
  const closeTag = (element: string) => {
    context = rawElements.has(element) ? { kind: 'raw', element, value: '' } : { kind: 'text' };
  };

  while (at < text.length) {
    switch (context.kind) {
      case 'text': {
        const open = text.indexOf('<', at);
        if (open < 0) return { context, findings };
        // What Outlook alone reads is markup, too.
        const special = /^<!--\[if[^\]>]*\]>(?:<!-->|-->)?|^<!--<!\[endif\]-->|^<!\[endif\]-->|^<!\[endif\]>/.exec(
          text.slice(open, open + 200),
        );
        const tag = /^<\/?([a-zA-Z][^\s/>]*)/.exec(text.slice(open, open + 200));
        if (special) at = open + special[0].length;
        else if (text.startsWith('<!--', open)) {
          context = { kind: 'comment' };
          at = open + 4;
        } else if (tag) {
          const element = (tag[1] ?? '').toLowerCase();
          if (activeElements.has(element)) find(`<${tag[1] ?? ''}`, `<${element}> is not for mail.`);
          const closing = text[open + 1] === '/';
          context = { kind: 'tag', element: closing ? '/' : element, attribute: '', equals: false };
          at = open + tag[0].length;
        } else if (text.startsWith('<!', open)) {
          context = { kind: 'tag', element: '!', attribute: '', equals: false };
          at = open + 2;
        } else at = open + 1;
        break;
      }
      case 'comment': {
        const end = text.indexOf('-->', at);
        if (end < 0) return { context, findings };
        context = { kind: 'text' };
        at = end + 3;
        break;
      }
      case 'tag': {
        const { element, attribute, equals } = context;
        const character = text[at] ?? '';
        if (character === '>') {
          closeTag(element);
          at++;
        } else if (/\s/.test(character)) at++;
        else if (character === '=' && attribute !== '' && !equals) {
          context = { ...context, equals: true };
          at++;
        } else if (equals) {
          const quoted = character === '"' || character === "'";
          context = { kind: 'value', element, attribute, quote: quoted ? character : '', value: '' };
          if (quoted) at++;
        } else if (character === '/' || character === '"' || character === "'" || character === '=') {
          context = { ...context, attribute: '' };
          at++;
        } else {
          const name = (/^[^\s/>="']+/.exec(text.slice(at, at + 200))?.[0] ?? character).toLowerCase();
          if (/^on/.test(name) && element !== '!')
            find(name, `The attribute "${name}" runs a program: it is not for mail.`);
          context = { kind: 'tag', element, attribute: name, equals: false };
          at += name.length;
        }
        break;
      }
      case 'value': {
        const { element, attribute, quote } = context;
        const rest = text.slice(at);
        const end = quote === '' ? rest.search(/[\s>]/) : rest.indexOf(quote);
        const value = context.value + (end < 0 ? rest : rest.slice(0, end));
        if (end < 0) return { context: { ...context, value }, findings };
        closeValue(element, attribute, value);
        at += end + (quote === '' ? 0 : 1);
        break;
      }
      case 'raw': {
        const { element } = context;
        const rest = text.slice(at);
        const end = rest.search(new RegExp(`</${element}[\\s>]`, 'i'));
        const value = context.value + (end < 0 ? rest : rest.slice(0, end));
        if (end < 0) return { context: { ...context, value }, findings };
        if (element === 'style') findings.push(...styleFindings(value));
        context = { kind: 'text' };
        at += end;
        break;
      }
    }
  }
  return { context, findings };
}

/** The same context after an expression. */
export function afterExpression(context: OutputContext): OutputContext {
  return context.kind === 'value' || context.kind === 'raw' ? { ...context, value: `${context.value}\0` } : context;
}

/** What branches of a block end in, where that is the same place; their values may differ. */
export function joinContexts(one: OutputContext, other: OutputContext): OutputContext | undefined {
  const place = (context: OutputContext) => JSON.stringify({ ...context, value: '' });
  if (place(one) !== place(other)) return undefined;
  if ((one.kind !== 'value' && one.kind !== 'raw') || (other.kind !== 'value' && other.kind !== 'raw')) return one;
  // As long as the scheme of a URL is open in one of them, it is open.
  return hasScheme(one.value) ? other : one;
}

/** Whether what follows in a URL can no longer be part of its scheme. */
export function hasScheme(value: string): boolean {
  return /[:/?#]/.test(value);
}

function valueFindings(element: string, attribute: string, value: string): OutputFinding[] {
  if (attribute === 'style') return styleFindings(value);
  if (attribute === 'http-equiv' && element === 'meta' && /refresh|set-cookie/i.test(value)) {
    return [{ written: value, message: 'A mail cannot send its reader elsewhere: http-equiv is not for that.' }];
  }
  if (attribute === 'srcdoc') return [{ written: 'srcdoc', message: '"srcdoc" is not for mail.' }];
  if (!isUrlAttribute(attribute)) return [];
  // Browsers pass over blanks and control characters; \0 stands for an expression here.
  const plain = decoded(value).replace(/(?!\0)[\p{Cc} ]/gu, '');
  const [, scheme] = /^([^:/?#]*):/.exec(plain) ?? [];
  if (
    scheme === undefined ||
    isLinkScheme(scheme) ||
    /^about:blank$|^data:image\/(?:png|jpeg|gif|webp);/i.test(plain)
  ) {
    return [];
  }
  const message = scheme.includes('\0')
    ? 'The scheme of a link cannot come from an expression: let one expression be the whole address.'
    : `Links of the scheme "${scheme}" are not for mail (known: ${[...schemes].join(', ')}).`;
  return [{ written: value.split('\0')[0] ?? '', message }];
}

/** CSS that runs or loads something. */
function styleFindings(css: string): OutputFinding[] {
  const plain = decoded(css)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\\([0-9a-f]{1,6})[ \t\n\f\r]?/gi, (_, hex: string) => characterOf(Number.parseInt(hex, 16)))
    .replace(/\\(.)/gs, '$1');
  const found = /expression\s*\(|javascript:|vbscript:|-moz-binding|behaviou?r\s*:|@import|@charset|<\/?style/i.exec(
    plain,
  )?.[0];
  if (found !== undefined) return [{ written: found, message: `"${found}" is not for styles of a mail.` }];
  for (const [all, quoted, bare] of plain.matchAll(/url\s*\(\s*(?:["']([^"']*)["']|([^)"']*))/gi)) {
    const address = (quoted ?? bare ?? '').trim();
    if (!/^(?:https:|cid:|data:image\/(?:png|jpeg|gif|webp);|#|\0?$)/i.test(address)) {
      return [
        { written: all, message: `A style loads pictures over https or from the mail itself, not "${address}".` },
      ];
    }
  }
  return [];
}

function characterOf(code: number): string {
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\uFFFD';
}

/** References with and without their semicolon, as browsers read them. */
function decoded(text: string): string {
  return text
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?/gi, (_, hex?: string, decimal?: string) =>
      characterOf(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replace(/&colon;/gi, ':')
    .replace(/&(?:tab|newline);/gi, '')
    .replace(/&(?:lpar);/gi, '(')
    .replace(/&amp;/gi, '&')
    .replace(/&quot;/gi, '"');
}
