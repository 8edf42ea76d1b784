/** Text put together from pieces of other texts, which remembers where each piece came from. */

interface Segment<Source> {
  readonly at: number;
  readonly source: Source;
  readonly from: number;
  /** A generated piece points at one place as a whole; a copied one maps character by character. */
  readonly generated: boolean;
}

export class MappedText<Source> {
  #text = '';
  readonly #segments: Segment<Source>[] = [];

  get text(): string {
    return this.#text;
  }

  /** Appends `text`, which stands in `source` at offset `from`. */
  copy(text: string, source: Source, from: number): void {
    this.#append(text, { at: this.#text.length, source, from, generated: false });
  }

  /** Appends `text` that replaces what stands in `source` at offset `from`. */
  generate(text: string, source: Source, from: number): void {
    this.#append(text, { at: this.#text.length, source, from, generated: true });
  }

  #append(text: string, segment: Segment<Source>): void {
    if (text === '') return;
    this.#segments.push(segment);
    this.#text += text;
  }

  /** Where the character at `offset` came from; `undefined` only for an empty text. */
  originOf(offset: number): { readonly source: Source; readonly offset: number } | undefined {
    const segment = this.#segments.findLast(({ at }) => at <= offset) ?? this.#segments[0];
    if (!segment) return undefined;
    return {
      source: segment.source,
      offset: segment.from + (segment.generated ? 0 : Math.max(0, offset - segment.at)),
    };
  }
}

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** Offset of a 1-based line and 0-based column; without a column, of the line's first character that is not blank. */
export function offsetOf(text: string, line: number, column?: number): number {
  let start = 0;
  for (let current = 1; current < line; current++) {
    const newline = text.indexOf('\n', start);
    if (newline < 0) break;
    start = newline + 1;
  }
  if (column !== undefined) return start + column;
  return start + (/^[ \t]*/.exec(text.slice(start))?.[0].length ?? 0);
}
