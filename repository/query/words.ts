/** From text to words, for indexes and queries alike. */

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
// eslint-disable-next-line no-control-regex
const ascii = /^[\u0000-\u007f]*$/;
/** Longer words are cut, so that no word makes a key too long. */
const maxWordLength = 60;

/**
 * Words as Unicode has them (UAX #29, Chinese, Japanese and Thai by dictionary), in the order of the text. Case, accents and forms
 * of width are folded: `Straße` and `STRASSE` are one word. Names of files come apart at `_ - .`, and apostrophes are dropped.
 */
export function wordsOf(text: string): string[] {
  // What `fold` does is all there is to do with ASCII: the same outcome, many times quicker.
  if (ascii.test(text)) return plainWordsOf(text.toLowerCase().replaceAll("'", ''));
  const plain = fold(text);
  if (ascii.test(plain)) return plainWordsOf(plain);
  const words: string[] = [];
  for (const { segment, isWordLike } of segmenter.segment(plain)) if (isWordLike) words.push(cut(segment));
  return words;
}

function plainWordsOf(text: string): string[] {
  const words: string[] = text.match(/[a-z0-9]+/g) ?? [];
  return text.length > maxWordLength ? words.map(cut) : words;
}

function fold(text: string): string {
  return (
    text
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .normalize('NFKC')
      .toUpperCase()
      .toLowerCase()
      .replaceAll('ς', 'σ')
      .replace(/['’]/g, '')
      // Dashes and quotation marks part words in any script; with them gone, text in Latin letters is mostly plain.
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f\u2010-\u2015\u201c-\u201f]+/g, ' ')
  );
}

function cut(word: string): string {
  if (word.length <= maxWordLength) return word;
  return word
    .slice(0, maxWordLength)
    .toWellFormed()
    .replace(/\ufffd$/, '');
}
