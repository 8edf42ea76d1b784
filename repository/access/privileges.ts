/**
 * Privileges: those of JCR 2.0 (section 16.2.3), the finer ones that Oak splits them into, and launching workflows. Evaluation
 * works on sets of atomic privileges as bits of one number.
 */
import type { Privilege } from '../api.js';
import { privileges } from '../api.js';
import { RepositoryError } from '../errors.js';

const readPrivileges = ['rep:readNodes', 'rep:readProperties'] as const;
const propertyPrivileges = ['rep:addProperties', 'rep:alterProperties', 'rep:removeProperties'] as const;
const writePrivileges = [...propertyPrivileges, 'jcr:addChildNodes', 'jcr:removeNode', 'jcr:removeChildNodes'] as const;

/** A privilege that holds others. */
type AggregatePrivilege = 'jcr:read' | 'jcr:modifyProperties' | 'jcr:write' | 'rep:write' | 'jcr:all';

/** A privilege that holds no others. */
export type AtomicPrivilege = Exclude<Privilege, AggregatePrivilege>;

/** As Oak has them: `rep:write` is `jcr:write` and the right to choose node types. */
const aggregates: Readonly<Record<Exclude<AggregatePrivilege, 'jcr:all'>, readonly AtomicPrivilege[]>> = {
  'jcr:read': readPrivileges,
  'jcr:modifyProperties': propertyPrivileges,
  'jcr:write': writePrivileges,
  'rep:write': [...writePrivileges, 'jcr:nodeTypeManagement'],
};

export const atomicPrivileges = privileges.filter(
  (privilege): privilege is AtomicPrivilege => privilege !== 'jcr:all' && !Object.hasOwn(aggregates, privilege),
);

const held: ReadonlyMap<string, readonly AtomicPrivilege[]> = new Map([
  ...atomicPrivileges.map((privilege) => [privilege, [privilege]] as const),
  ...Object.entries(aggregates),
  ['jcr:all', atomicPrivileges] as const,
]);

/** Privileges of Oak and AEM for what there is none of here. Packages name them: they are accepted, and hold nothing. */
const foreignPrivileges: ReadonlySet<string> = new Set([
  'jcr:lifecycleManagement',
  'jcr:retentionManagement',
  'jcr:workspaceManagement',
  'jcr:namespaceManagement',
  'jcr:nodeTypeDefinitionManagement',
  'rep:privilegeManagement',
  'rep:indexDefinitionManagement',
  'crx:replicate',
]);

/** Privilege names with the aggregates replaced by what they hold. A name that is unknown here holds nothing. */
export function expandPrivileges(names: Iterable<string>): ReadonlySet<AtomicPrivilege> {
  return new Set([...names].flatMap((name) => held.get(name) ?? []));
}

const bits: ReadonlyMap<string, number> = new Map(
  privileges.map((privilege) => [
    privilege,
    (held.get(privilege) ?? []).reduce((set, atomic) => set | (1 << atomicPrivileges.indexOf(atomic)), 0),
  ]),
);

/** One bit for each atomic privilege that the named ones hold. */
export function bitsOf(names: Iterable<string>): number {
  let set = 0;
  for (const name of names) set |= bits.get(name) ?? 0;
  return set;
}

/** As `bitsOf`, of one. */
export function bitsOfPrivilege(name: Privilege): number {
  return bits.get(name) ?? 0;
}

/** Whether a policy may name it. */
export function isPrivilege(name: string): boolean {
  return held.has(name) || foreignPrivileges.has(name);
}

/** @throws INVALID_VALUE */
export function assertPrivileges(names: readonly string[]): void {
  if (names.length === 0) throw new RepositoryError('INVALID_VALUE', 'An entry needs one privilege or more.');
  const unknown = names.find((name) => !isPrivilege(name));
  if (unknown !== undefined) {
    throw new RepositoryError(
      'INVALID_VALUE',
      `There is no privilege "${unknown}"; known are ${privileges.join(', ')}.`,
    );
  }
}
