/** `sling:hideProperties` and `sling:hideChildren`: what their values say, and how they change. */

export interface HideRule {
  hidesUnderlying(name: string): boolean;
  hidesLocal(name: string): boolean;
}

/**
 * A plain name hides what underlies and the local item; `*` hides only what underlies; a leading `!` excepts from `*`.
 * An even number of `!` is a literal name with half of them. The first value other than `*` decides whether the list
 * hides or excepts; values of the other kind are ignored.
 */
export function parseHideRule(values: readonly string[]): HideRule {
  const wildcard = values.includes('*');
  const names = new Set<string>();
  let excepting: boolean | undefined;
  for (const value of values) {
    if (value === '*') continue;
    const { excepts, name } = parseEntry(value);
    excepting ??= excepts;
    if (excepts === excepting) names.add(name);
  }
  return excepting
    ? { hidesUnderlying: (name) => wildcard && !names.has(name), hidesLocal: () => false }
    : { hidesUnderlying: (name) => wildcard || names.has(name), hidesLocal: (name) => names.has(name) };
}

interface HideEntry {
  readonly excepts: boolean;
  readonly name: string;
}

function parseEntry(value: string): HideEntry {
  const marks = value.length - value.replace(/^!+/, '').length;
  return { excepts: marks % 2 === 1, name: '!'.repeat(Math.floor(marks / 2)) + value.slice(marks) };
}

function plainEntry(name: string): string {
  return name.replace(/^!+/, '$&$&');
}

/** The list with a name that it hides, of what underlies. */
export function withHidden(values: readonly string[], name: string): readonly string[] {
  if (parseHideRule(values).hidesUnderlying(name)) return values;
  const without = values.filter((value) => value === '*' || !isNamed(value, name));
  if (parseHideRule(without).hidesUnderlying(name)) return without;
  // Exceptions from nothing say nothing, and plain names beside them would not count.
  return [...without.filter((value) => value === '*' || !parseEntry(value).excepts), plainEntry(name)];
}

/**
 * The list with a name that it does not hide, neither the local nor what underlies.
 * @returns `undefined` when the list has other names beside `*`, to which no exception can be added
 */
export function withoutHidden(values: readonly string[], name: string): readonly string[] | undefined {
  const without = withoutName(values, name);
  const excepting = [...without, `!${plainEntry(name)}`];
  for (const list of [without, excepting]) {
    const rule = parseHideRule(list);
    if (!rule.hidesUnderlying(name) && !rule.hidesLocal(name)) return list;
  }
  return undefined;
}

/** The list without the plain name, so that it hides no local one of that name. */
export function withoutName(values: readonly string[], name: string): readonly string[] {
  return values.filter((value) => value === '*' || parseEntry(value).excepts || !isNamed(value, name));
}

function isNamed(value: string, name: string): boolean {
  return parseEntry(value).name === name;
}
