/**
 * Keys are ordered by the bytes of their UTF-8 form, which is the order of code points. JavaScript compares UTF-16 code
 * units, which differs where surrogate pairs (U+10000 and above) meet U+E000–U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** Whether `<` orders this text as `compareKeys` does, among others of which that is true; it is several times quicker. */
export function hasPlainOrder(key: string): boolean {
  return !/[\ud800-\uffff]/.test(key);
}

export function isInRange(key: string, range: { readonly gte: string; readonly lt: string }): boolean {
  return compareKeys(key, range.gte) >= 0 && compareKeys(key, range.lt) < 0;
}

/** Lifts surrogates above the rest of the basic plane, as their code points are. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
