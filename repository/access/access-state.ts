/**
 * Policies and groups as one snapshot has them. Both are few and read often, so they are held whole; each is valid for every
 * snapshot with the same version of its epoch record.
 */
import { groups } from '../api.js';
import { childrenRange, groupEpochKey, nodeKey, pathOfNodeKey, pathOfPolicyKey, policyEpochKey } from '../keys.js';
import { policyKeys } from '../keys.js';
import { decodeRecord, primaryTypeOf, textOf, textsOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { KeyRange, StoreSnapshot } from '../store/contract.js';
import { expandPrivileges } from './privileges.js';
import type { AtomicPrivilege } from './privileges.js';
import { policyName } from './policy.js';

export const groupsRoot = '/home/groups';

export interface AccessEntry {
  readonly allow: boolean;
  readonly principal: string;
  readonly privileges: ReadonlySet<AtomicPrivilege>;
  /** `rep:glob`; `undefined` is the node and all below. */
  readonly glob: string | undefined;
}

export interface AccessState {
  readonly policyEpoch: number;
  readonly groupEpoch: number;
  /** Entries by controlled path, in the order of the policy. */
  readonly policies: ReadonlyMap<string, readonly AccessEntry[]>;
  /** Members by group. */
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/** Keeps the newest state, which nearly every session shares. */
export class AccessStateCache {
  #newest: AccessState | undefined;

  async stateOf(snapshot: StoreSnapshot): Promise<AccessState> {
    const [policies, members] = await snapshot.getMany([policyEpochKey, groupEpochKey]);
    const policyEpoch = policies?.version ?? 0;
    const groupEpoch = members?.version ?? 0;
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
  nodes.sort((a, b) => ((a.record.position ?? '') < (b.record.position ?? '') ? -1 : 1));
  const restrictions = await snapshot.getMany(nodes.map(({ path }) => nodeKey(`${path}/rep:restrictions`)));
  return nodes.map(({ path, record }, index) => {
    const stored = restrictions[index];
    const restriction = stored && decodeRecord(path, stored.value);
    return {
      // Anything that is not plainly a grant must not give rights.
      allow: primaryTypeOf(record) === 'rep:GrantACE',
      principal: textOf(record, 'rep:principalName') ?? '',
      privileges: expandPrivileges(textsOf(record, 'rep:privileges')),
      glob: (restriction && textOf(restriction, 'rep:glob')) ?? textOf(record, 'rep:glob'),
    };
  });
}

async function loadMembers(snapshot: StoreSnapshot): Promise<ReadonlyMap<string, readonly string[]>> {
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

/** The groups a user or group is in, directly or through other groups, `everyone` among them. */
export function groupsOfMember(members: ReadonlyMap<string, readonly string[]>, memberId: string): Set<string> {
  const found = new Set<string>([groups.everyone]);
  const open = [memberId];
  for (let member = open.pop(); member !== undefined; member = open.pop()) {
    for (const [group, ids] of members) {
      if (!found.has(group) && ids.includes(member)) {
        found.add(group);
        open.push(group);
      }
    }
  }
  return found;
}
