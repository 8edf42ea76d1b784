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
  const { star, entries, excepts } = readList(values);
  // The exceptions that are left need not be any: `*` hides all others by itself.
  if (star.length > 0) return [...star, ...entries.filter((entry) => !isNamed(entry, name))];
  // Exceptions from nothing say nothing, and plain names beside them would not count.
  return [...(excepts ? [] : entries), plainEntry(name)];
}

/**
 * The list with a name that it does not hide, neither the local nor what underlies.
 * @returns `undefined` when the list has other names beside `*`, to which no exception can be added
 */
export function withoutHidden(values: readonly string[], name: string): readonly string[] | undefined {
  const without = withoutName(values, name);
  const { star, entries, excepts } = readList(without);
  if (star.length === 0) return without;
  return excepts || entries.length === 0 ? [...without, `!${plainEntry(name)}`] : undefined;
}

/** The list without the plain name, so that it hides no local one of that name. */
export function withoutName(values: readonly string[], name: string): readonly string[] {
  const { star, entries, excepts } = readList(values);
  return [...star, ...(excepts ? entries : entries.filter((entry) => !isNamed(entry, name)))];
}

/** Without the values that say nothing: those of another kind than the first. */
function readList(values: readonly string[]) {
  const entries = values.filter((value) => value !== '*');
  const excepts = entries[0] !== undefined && parseEntry(entries[0]).excepts;
  return {
    star: values.includes('*') ? ['*'] : [],
    entries: entries.filter((value) => parseEntry(value).excepts === excepts),
    excepts,
  };
}

function isNamed(value: string, name: string): boolean {
  return parseEntry(value).name === name;
}
