/**
 * The parts of a template that can be customised alone, by the names people type:
 *
 *     subject@de  body@de  text@de       of one locale; subject@default is for locales without a subject of their own
 *     partial:header  theme.color        shared by all templates of a layer
 *     own/partial:header  own/theme.color  of this template alone, over the shared ones
 *     sample                             sample.json, for previews and checks
 */
import { SatchelError } from '../../../workflows/contract/errors.js';
import { canonicalLocale } from '../locale-fallback.js';

export interface PartName {
  readonly kind: 'subject' | 'body' | 'text' | 'partial' | 'theme' | 'sample';
  /** Locale of a subject, body or text; name of a partial or theme property; empty for a sample. */
  readonly of: string;
  /** Of the one template, rather than shared by all of the layer. */
  readonly own: boolean;
}

/** As locates in a folder and in a path: what flatten-template.ts takes for a name. */
const partName = /^[A-Za-z0-9_-]{1,100}$/;

/**
 * @param locale for a subject, body or text that names none
 * @throws SatchelError INVALID_REQUEST
 */
export function parsePartName(text: string, locale: string): PartName {
  const [, own, kind = '', separator, of = ''] = /^(own\/)?([a-z]+)(?:([@:.])(.*))?$/su.exec(text) ?? [];
  const isOwn = own !== undefined;
  if ((kind === 'subject' || kind === 'body' || kind === 'text') && !isOwn && separator !== ':' && separator !== '.') {
    const wanted = separator === undefined ? locale : of;
    if (kind === 'subject' && wanted === 'default') return { kind, of: wanted, own: true };
    const canonical = canonicalLocale(wanted);
    if (canonical !== undefined) return { kind, of: canonical, own: true };
    throw refused(text, `"${wanted}" is no locale`);
  }
  if (kind === 'sample' && separator === undefined && !isOwn) return { kind, of: '', own: true };
  if ((kind === 'partial' && separator === ':') || (kind === 'theme' && separator === '.')) {
    if (partName.test(of)) return { kind, of, own: isOwn };
    throw refused(text, 'names hold letters, digits, "_" and "-"');
  }
  throw refused(text, 'write subject, body, text, partial:NAME, theme.NAME or sample');
}

export function formatPartName({ kind, of, own }: PartName): string {
  if (kind === 'sample') return kind;
  if (kind === 'partial') return `${own ? 'own/' : ''}partial:${of}`;
  if (kind === 'theme') return `${own ? 'own/' : ''}theme.${of}`;
  return `${kind}@${of}`;
}

/** Names as `formatPartName` gives them back. */
export function readPartName(text: string): PartName {
  return parsePartName(text, 'en');
}

function refused(text: string, problem: string): SatchelError {
  return new SatchelError('INVALID_REQUEST', `"${text.slice(0, 200)}" is no part of a template: ${problem}.`, {
    details: { part: text.slice(0, 200) },
  });
}
