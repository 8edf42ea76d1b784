/** What becomes of packages inside a package (`subPackageHandling` in its properties, as FileVault reads it). */
import type { PackageId } from './package-id.js';

/**
 * `install`: unless a newer version is installed. `extract`: the same without keeping what was there. `force_…`: also when a
 * newer one is. `add`: kept, not installed. `ignore`: left out.
 */
const options = ['install', 'extract', 'add', 'ignore', 'force_install', 'force_extract'] as const;
export type SubPackageOption = (typeof options)[number];

/** @param text `group:name;option`, separated by commas; `*` stands for any @returns the option of a package */
export function parseSubPackageHandling(text: string): (id: PackageId) => SubPackageOption {
  const rules = text
    .split(',')
    .filter((rule) => rule.trim() !== '')
    .map((rule) => {
      const [filter = '', option = 'install'] = rule.trim().split(';');
      const parts = filter.split(':');
      const [group = '*', name = '*'] = parts.length === 1 ? ['*', ...parts] : parts;
      return { group, name, option: options.find((known) => known === option.toLowerCase()) ?? 'install' };
    });
  const matches = (wanted: string, given: string) => wanted === '*' || wanted === '' || wanted === given;
  return ({ group, name }) =>
    rules.findLast((rule) => matches(rule.group, group) && matches(rule.name, name))?.option ?? 'install';
}
