/** Which groups somebody is in, through which others. */
import { groups } from '../api.js';

/** Members by group. */
export type Members = ReadonlyMap<string, readonly string[]>;

const inverted = new WeakMap<Members, ReadonlyMap<string, readonly string[]>>();

/** Groups by direct member; made once for all who ask of the same members. */
function groupsByMember(members: Members): ReadonlyMap<string, readonly string[]> {
  const known = inverted.get(members);
  if (known) return known;
  const byMember = new Map<string, string[]>();
  for (const [group, ids] of members) {
    for (const id of new Set(ids)) {
      const of = byMember.get(id);
      if (of) of.push(group);
      else byMember.set(id, [group]);
    }
  }
  inverted.set(members, byMember);
  return byMember;
}

/**
 * The groups a user or group is in, each with the groups that lead to it, the nearest first and itself last. Groups that
 * hold each other end the search, and so does `everyone`, whose own memberships would be those of all (Oak refuses them).
 */
export function membershipsOf(members: Members, memberId: string): ReadonlyMap<string, readonly string[]> {
  const byMember = groupsByMember(members);
  const found = new Map<string, readonly string[]>([[groups.everyone, [groups.everyone]]]);
  const open: { readonly id: string; readonly via: readonly string[] }[] = [{ id: memberId, via: [] }];
  // Nearest first, so that each group is reached by the shortest way.
  for (let next = open.shift(); next; next = open.shift()) {
    for (const group of byMember.get(next.id) ?? []) {
      if (found.has(group)) continue;
      const via = [...next.via, group];
      found.set(group, via);
      open.push({ id: group, via });
    }
  }
  return found;
}

/** The groups a user or group is in, directly or through other groups, `everyone` among them. */
export function groupsOfMember(members: Members, memberId: string): Set<string> {
  return new Set(membershipsOf(members, memberId).keys());
}
