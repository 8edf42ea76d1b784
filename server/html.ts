/** HTML from template literals: what is put in is escaped, unless it is HTML itself. */

export interface Html {
  readonly html: string;
}

type Piece = Html | string | number | undefined | false | readonly Piece[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

function toText(piece: Piece): string {
  if (piece === undefined || piece === false) return '';
  if (typeof piece === 'object') return 'html' in piece ? piece.html : piece.map(toText).join('');
  return escape(String(piece));
}

/** Attribute values must be quoted in the literal. `undefined` and `false` give nothing. */
export function html(literals: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return { html: literals.map((literal, index) => literal + toText(pieces[index])).join('') };
}
