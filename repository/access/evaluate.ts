/**
 * Whether a user may do something at a path. As in Oak, the nearest policy up the path that says something decides; within one
 * policy entries for the user come before entries for their groups, and later entries before earlier ones. Nothing said
 * is denied.
 */
import { adminUser, groups } from '../api.js';
import { nameOf, parentOf, selfAndAncestors } from '../path.js';
import { groupsOfMember } from './access-state.js';
import type { AccessEntry, AccessState } from './access-state.js';
import { policyName } from './policy.js';
import type { AtomicPrivilege } from './privileges.js';

/** One user's rights under one access state. */
export class AccessEvaluator {
  readonly state: AccessState;
  readonly userId: string;
  readonly #groups: ReadonlySet<string>;
  readonly #mayDoEverything: boolean;

  constructor(state: AccessState, userId: string) {
    this.state = state;
    this.userId = userId;
    this.#groups = groupsOfMember(state.members, userId);
    this.#mayDoEverything = userId === adminUser || this.#groups.has(groups.administrators);
  }

  canRead(path: string): boolean {
    if (this.#mayDoEverything) return true;
    const controlled = controlledPath(path);
    if (controlled === undefined) return this.isAllowed(path, 'jcr:read');
    return this.isAllowed(controlled, 'jcr:readAccessControl');
  }

  isAllowed(path: string, privilege: AtomicPrivilege): boolean {
    if (this.#mayDoEverything) return true;
    for (const node of selfAndAncestors(path)) {
      const entries = this.state.policies.get(node);
      if (!entries) continue;
      const decision =
        decide(entries, (principal) => principal === this.userId, node, path, privilege) ??
        decide(entries, (principal) => this.#groups.has(principal), node, path, privilege);
      if (decision !== undefined) return decision;
    }
    return false;
  }

  /** Controlled paths below `path`, where rights may differ from those at `path`. */
  policiesBelow(path: string): string[] {
    if (this.#mayDoEverything) return [];
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.state.policies.keys()].filter((controlled) => controlled.startsWith(prefix));
  }
}

function decide(
  entries: readonly AccessEntry[],
  isMine: (principal: string) => boolean,
  controlled: string,
  path: string,
  privilege: AtomicPrivilege,
): boolean | undefined {
  return entries.findLast(
    (entry) => isMine(entry.principal) && entry.privileges.has(privilege) && matchesGlob(entry.glob, controlled, path),
  )?.allow;
}

/** The node a path inside a `rep:policy` controls; `undefined` for any other path. */
export function controlledPath(path: string): string | undefined {
  for (const node of selfAndAncestors(path)) {
    if (nameOf(node) === policyName) return parentOf(node);
  }
  return undefined;
}

/**
 * Oak's `rep:glob`: appended to the controlled path. Empty is the node alone; without `*` it names a node with all below;
 * `*` stands for any characters, slashes among them.
 */
export function matchesGlob(glob: string | undefined, controlled: string, path: string): boolean {
  if (glob === undefined) return true;
  if (glob === '') return path === controlled;
  const pattern = (controlled === '/' ? '' : controlled) + glob;
  if (!pattern.includes('*')) {
    return path === pattern || path.startsWith(pattern.endsWith('/') ? pattern : `${pattern}/`);
  }
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.pop() ?? '';
  if (path.length < start.length + end.length || !path.startsWith(start) || !path.endsWith(end)) return false;
  // Leftmost matches of the middle parts leave the most room for those after them, so no backtracking is needed.
  const middle = path.slice(start.length, path.length - end.length);
  let position = 0;
  for (const part of rest) {
    const found = middle.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return true;
}
