/** Privileges as JCR 2.0 has them (section 16.2.3), Oak's `rep:write`, and launching workflows. */
import type { Privilege } from '../api.js';
import { privileges } from '../api.js';
import { RepositoryError } from '../errors.js';

/** A privilege that holds no others. */
export type AtomicPrivilege = Exclude<Privilege, 'rep:write' | 'jcr:all'>;

const writePrivileges = [
  'jcr:modifyProperties',
  'jcr:addChildNodes',
  'jcr:removeNode',
  'jcr:removeChildNodes',
] as const satisfies readonly AtomicPrivilege[];

const atomicPrivileges = privileges.filter(
  (privilege): privilege is AtomicPrivilege => privilege !== 'rep:write' && privilege !== 'jcr:all',
);

/** `jcr:write` is JCR's name for what `rep:write` holds here. */
const aggregates: Readonly<Record<string, readonly AtomicPrivilege[]>> = {
  'rep:write': writePrivileges,
  'jcr:write': writePrivileges,
  'jcr:all': atomicPrivileges,
};

/** Privilege names with the aggregates replaced by what they hold. A name that is unknown here holds nothing. */
export function expandPrivileges(names: Iterable<string>): ReadonlySet<AtomicPrivilege> {
  const expanded = new Set<AtomicPrivilege>();
  for (const name of names) {
    for (const atomic of aggregates[name] ?? atomicPrivileges.filter((known) => known === name)) expanded.add(atomic);
  }
  return expanded;
}

/** @throws INVALID_VALUE */
export function assertPrivileges(names: readonly string[]): void {
  for (const name of names) {
    if (expandPrivileges([name]).size === 0) {
      throw new RepositoryError(
        'INVALID_VALUE',
        `There is no privilege "${name}"; known are ${privileges.join(', ')}.`,
      );
    }
  }
}
