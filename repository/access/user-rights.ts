/** The entries that concern one user, in the order in which they are asked, found quickly for any path. */
import { parentOf } from '../path.js';
import { isEffective } from './access-state.js';
import type { AccessEntry, AccessState } from './access-state.js';
import { ownProfileProperties, usersRoot } from './authorizables.js';
import { membershipsOf } from './membership.js';
import { bitsOf, expandPrivileges } from './privileges.js';
import { isRestricted, matchesPath } from './restrictions.js';
import type { Item } from './restrictions.js';

/** An entry that concerns the user, at the path its policy controls. */
export interface ConcerningEntry {
  readonly controlled: string;
  readonly entry: AccessEntry;
  /** The privileges it speaks of (`bitsOf`). */
  readonly bits: number;
  readonly restricted: boolean;
  /** Primary types of the nodes it speaks of (`rep:ntNames`); `undefined`: all. */
  readonly ntNames: readonly string[] | undefined;
}

/** What decides at a path: the first entry that names a privilege and matches the item, decides it. */
export interface EntryChain {
  /** Entries for the user from the path up to the root, then those for the user's groups, each policy from its last entry on. */
  readonly entries: readonly ConcerningEntry[];
  /** The privileges allowed, where no entry is restricted, and it is therefore the same for every item. */
  readonly allowed: number | undefined;
  readonly own: readonly ConcerningEntry[];
  readonly ofGroups: readonly ConcerningEntry[];
}

const nothingSaid: EntryChain = { entries: [], allowed: 0, own: [], ofGroups: [] };

/** Parents whose chain is remembered for each user: as many as a few deep traversals have open. */
const maxRemembered = 2000;
/** Users whose rights are kept ready for each state. */
const maxUsers = 500;

const prepared = new WeakMap<AccessState, Map<string, UserRights>>();

/** Shared by all sessions of the user under that state. */
export function rightsOf(state: AccessState, userId: string): UserRights {
  const users = prepared.get(state) ?? new Map<string, UserRights>();
  prepared.set(state, users);
  const known = users.get(userId);
  if (known) return known;
  const rights = new UserRights(state, userId);
  if (users.size >= maxUsers) users.clear();
  users.set(userId, rights);
  return rights;
}

export class UserRights {
  /** The user's groups, each with those that lead to it. */
  readonly memberships: ReadonlyMap<string, readonly string[]>;
  /** Whether some entry goes by the type of the node. */
  readonly goesByType: boolean;
  readonly #own = new Map<string, readonly ConcerningEntry[]>();
  readonly #ofGroups = new Map<string, readonly ConcerningEntry[]>();
  readonly #chains = new Map<string, EntryChain>();
  readonly #remembered = new Map<string, EntryChain>();
  #lastParent = '';
  #lastChain = nothingSaid;

  constructor(state: AccessState, userId: string) {
    this.memberships = membershipsOf(state.members, userId);
    for (const [controlled, entries] of state.policies) {
      const own = concerning(controlled, entries, (principal) => principal === userId);
      const ofGroups = concerning(controlled, entries, (principal) => this.memberships.has(principal));
      if (own.length > 0) this.#own.set(controlled, own);
      if (ofGroups.length > 0) this.#ofGroups.set(controlled, ofGroups);
    }
    for (const [controlled, entry] of rightsAtHome(userId)) {
      const implied = concerning(controlled, [entry], () => true);
      // Before all that was ever said there, so that any of it can take this away.
      this.#own.set(controlled, [...(this.#own.get(controlled) ?? []), ...implied]);
    }
    const concerns = [...this.#own.values(), ...this.#ofGroups.values()].flat();
    this.goesByType = concerns.some(({ ntNames }) => ntNames !== undefined);
  }

  /** @param path of a node */
  chainAt(path: string): EntryChain {
    if (this.#own.has(path) || this.#ofGroups.has(path)) return this.#chainOfPolicy(path);
    const parent = parentOf(path);
    if (parent === '') return nothingSaid;
    // Siblings come together, so most answers are the last one.
    if (parent === this.#lastParent) return this.#lastChain;
    let chain = this.#remembered.get(parent);
    if (!chain) {
      chain = this.chainAt(parent);
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
      this.#remembered.set(parent, chain);
    }
    this.#lastParent = parent;
    this.#lastChain = chain;
    return chain;
  }

  #chainOfPolicy(controlled: string): EntryChain {
    const known = this.#chains.get(controlled);
    if (known) return known;
    const parent = parentOf(controlled);
    const above = parent === '' ? nothingSaid : this.chainAt(parent);
    const own = [...(this.#own.get(controlled) ?? []), ...above.own];
    const ofGroups = [...(this.#ofGroups.get(controlled) ?? []), ...above.ofGroups];
    const entries = [...own, ...ofGroups];
    const plain = entries.every(({ restricted }) => !restricted);
    const chain = { entries, own, ofGroups, allowed: plain ? allowedBy(entries, -1) : undefined };
    this.#chains.set(controlled, chain);
    return chain;
  }
}

/** Which of the wanted privileges are allowed on an item: the node, or a property of the node, whose chain it is. */
export function allowedOn(chain: EntryChain, item: Item, wanted: number): number {
  if (chain.allowed !== undefined) return chain.allowed & wanted;
  return allowedBy(chain.entries, wanted, item);
}

/** As `allowedOn` a node of some type: whatever any type could be allowed, and perhaps more. */
export function allowedOnSomeType(chain: EntryChain, path: string, wanted: number): number {
  if (chain.allowed !== undefined) return chain.allowed & wanted;
  const entries = chain.entries.filter(({ ntNames, entry }) => !ntNames || entry.allow);
  const anyType = entries.map((concern) => ({ ...concern, ntNames: undefined }));
  return allowedBy(anyType, wanted, { path, isProperty: false, primaryType: undefined });
}

function allowedBy(entries: readonly ConcerningEntry[], wanted: number, item?: Item): number {
  let open = wanted;
  let allowed = 0;
  for (const concern of entries) {
    const decided = concern.bits & open;
    if (decided === 0) continue;
    if (item && !isAbout(concern, item)) continue;
    if (concern.entry.allow) allowed |= decided;
    open &= ~decided;
    if (open === 0) break;
  }
  return allowed;
}

/** Whether an entry of a chain speaks of an item. Where the type is not known a grant does not, and a denial does. */
export function isAbout({ restricted, entry, controlled, ntNames }: ConcerningEntry, item: Item): boolean {
  if (!restricted) return true;
  if (ntNames && !(item.primaryType === undefined ? !entry.allow : ntNames.includes(item.primaryType))) return false;
  return matchesPath(entry.restrictions, controlled, item);
}

/** The entries for some principals, the last of the policy first. */
function concerning(
  controlled: string,
  entries: readonly AccessEntry[],
  isMine: (principal: string) => boolean,
): ConcerningEntry[] {
  return entries
    .filter((entry) => isMine(entry.principal) && isEffective(entry))
    .map((entry) => ({
      controlled,
      entry,
      bits: bitsOf(entry.privileges),
      restricted: isRestricted(entry.restrictions),
      ntNames: entry.restrictions.ntNames,
    }))
    .reverse();
}

/**
 * What everyone may do with their own user node, without a policy for each: read it, and change what their profile says about
 * them. The product's rule; AEM writes such a policy into every home.
 */
function rightsAtHome(userId: string): [string, AccessEntry][] {
  const home = `${usersRoot}/${userId}`;
  const entry = { name: '', allow: true, principal: userId, unknownRestrictions: [] };
  return [
    [home, { ...entry, privileges: expandPrivileges(['jcr:read']), restrictions: {} }],
    [
      `${home}/profile`,
      {
        ...entry,
        privileges: expandPrivileges(['jcr:modifyProperties']),
        restrictions: { itemNames: ownProfileProperties },
      },
    ],
  ];
}
