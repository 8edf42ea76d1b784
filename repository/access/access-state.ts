/**
 * Policies and groups as one snapshot has them. Both are few and read often, so they are held whole; each is valid for every
 * snapshot with the same version of its epoch record.
 */
import { childrenRange, groupEpochKey, nodeKey, pathOfNodeKey, pathOfPolicyKey, policyEpochKey } from '../keys.js';
import { policyKeys } from '../keys.js';
import { nameOf } from '../path.js';
import { decodeRecord, primaryTypeOf, textOf, textsOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { KeyRange, StoreSnapshot } from '../store/contract.js';
import { compareKeys } from '../store/key-order.js';
import { groupsRoot } from './authorizables.js';
import { policyName } from './controlled-path.js';
import type { Members } from './membership.js';
import { expandPrivileges } from './privileges.js';
import type { AtomicPrivilege } from './privileges.js';
import { readRestrictions } from './restrictions.js';
import type { Restrictions } from './restrictions.js';

export interface AccessEntry {
  /** Of its node in the policy. */
  readonly name: string;
  readonly allow: boolean;
  readonly principal: string;
  readonly privileges: ReadonlySet<AtomicPrivilege>;
  readonly restrictions: Restrictions;
  /** Names of restrictions that cannot be evaluated here: see `isEffective`. */
  readonly unknownRestrictions: readonly string[];
}

/**
 * A grant under a condition that is not understood must not give rights, and a denial under one must not be lost: it denies
 * wherever its other conditions hold.
 */
export function isEffective({ allow, unknownRestrictions }: AccessEntry): boolean {
  return !allow || unknownRestrictions.length === 0;
}

export interface AccessState {
  readonly policyEpoch: number;
  readonly groupEpoch: number;
  /** Entries by controlled path, in the order of the policy. */
  readonly policies: ReadonlyMap<string, readonly AccessEntry[]>;
  readonly members: Members;
}

/** Keeps the newest state, which nearly every session shares. */
export class AccessStateCache {
  #newest: AccessState | undefined;

  async stateOf(snapshot: StoreSnapshot): Promise<AccessState> {
    const [policies, members] = await snapshot.getMany([policyEpochKey, groupEpochKey]);
    return this.stateAt(snapshot, policies?.version ?? 0, members?.version ?? 0);
  }

  /** @param policyEpoch versions of the two epoch records in the snapshot, 0 where there is none */
  async stateAt(snapshot: StoreSnapshot, policyEpoch: number, groupEpoch: number): Promise<AccessState> {
    const known = this.#newest;
    if (known?.policyEpoch === policyEpoch && known.groupEpoch === groupEpoch) return known;
    const state: AccessState = {
      policyEpoch,
      groupEpoch,
      policies: known?.policyEpoch === policyEpoch ? known.policies : await loadPolicies(snapshot),
      members: known?.groupEpoch === groupEpoch ? known.members : await loadMembers(snapshot),
    };
    // A session that stays on an old snapshot must not push out what the others share.
    if (policyEpoch >= (this.#newest?.policyEpoch ?? 0) && groupEpoch >= (this.#newest?.groupEpoch ?? 0)) {
      this.#newest = state;
    }
    return state;
  }
}

async function loadPolicies(snapshot: StoreSnapshot): Promise<ReadonlyMap<string, readonly AccessEntry[]>> {
  const policies = new Map<string, readonly AccessEntry[]>();
  for await (const batch of snapshot.range(policyKeys)) {
    for (const { key } of batch) {
      const controlled = pathOfPolicyKey(key);
      policies.set(controlled, await loadEntries(snapshot, controlled));
    }
  }
  return policies;
}

async function loadEntries(snapshot: StoreSnapshot, controlled: string): Promise<AccessEntry[]> {
  const policy = controlled === '/' ? `/${policyName}` : `${controlled}/${policyName}`;
  const nodes = await recordsIn(snapshot, childrenRange(policy));
  nodes.sort((a, b) => compareKeys(a.record.position ?? '', b.record.position ?? ''));
  const restricting = await snapshot.getMany(nodes.map(({ path }) => nodeKey(`${path}/rep:restrictions`)));
  return nodes.map(({ path, record }, index) => {
    const stored = restricting[index];
    const { restrictions, unknown } = readRestrictions(record, stored && decodeRecord(path, stored.value));
    return {
      name: nameOf(path),
      // Anything that is not plainly a grant must not give rights.
      allow: primaryTypeOf(record) === 'rep:GrantACE',
      principal: textOf(record, 'rep:principalName') ?? '',
      privileges: expandPrivileges(textsOf(record, 'rep:privileges')),
      restrictions,
      unknownRestrictions: unknown,
    };
  });
}

async function loadMembers(snapshot: StoreSnapshot): Promise<Members> {
  const members = new Map<string, readonly string[]>();
  for (const { path, record } of await recordsIn(snapshot, childrenRange(groupsRoot))) {
    if (primaryTypeOf(record) !== 'rep:Group') continue;
    members.set(path.slice(groupsRoot.length + 1), textsOf(record, 'rep:members'));
  }
  return members;
}

async function recordsIn(snapshot: StoreSnapshot, range: KeyRange): Promise<{ path: string; record: NodeRecord }[]> {
  const found: { path: string; record: NodeRecord }[] = [];
  for await (const batch of snapshot.range(range)) {
    for (const { key, value } of batch) {
      const path = pathOfNodeKey(key);
      found.push({ path, record: decodeRecord(path, value) });
    }
  }
  return found;
}
