/** Patterns with wildcards, matched in a time that no pattern can blow up. */

/** A character that is meant as such, any one character, or any number of them. */
export type PatternToken = string | typeof anyOne | typeof anyMany;
export const anyOne = Symbol('one');
export const anyMany = Symbol('many');

/** `%` any characters, `_` one, `\` before one that is meant as such (JCR 2.0, section 6.7.16). */
export function parseLike(like: string): PatternToken[] {
  const tokens: PatternToken[] = [];
  const characters = Array.from(like);
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? '';
    if (character === '%') tokens.push(anyMany);
    else if (character === '_') tokens.push(anyOne);
    else if (character === '\\' && index + 1 < characters.length) tokens.push(characters[++index] ?? '');
    else tokens.push(character);
  }
  return tokens;
}

/** `*` any characters, `?` one. */
export function parseWildcards(text: string): PatternToken[] {
  return Array.from(text, (character) => (character === '*' ? anyMany : character === '?' ? anyOne : character));
}

/** What every match begins with. */
export function literalStart(tokens: readonly PatternToken[]): string {
  const end = tokens.findIndex((token) => typeof token !== 'string');
  return (end < 0 ? tokens : tokens.slice(0, end)).map(String).join('');
}

export function matchesPattern(tokens: readonly PatternToken[], text: string): boolean {
  const characters = Array.from(text);
  let token = 0;
  let lastMany = -1;
  let retryAt = 0;
  for (let index = 0; index < characters.length;) {
    const expected = tokens[token];
    if (expected === anyMany) {
      lastMany = token++;
      retryAt = index;
    } else if (expected !== undefined && (expected === anyOne || expected === characters[index])) {
      token++;
      index++;
    } else if (lastMany >= 0) {
      // The last wildcard takes one character more; earlier ones never need to.
      token = lastMany + 1;
      index = ++retryAt;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === anyMany);
}
