/**
 * Whether a user may do something at a path. As in Oak: entries for the user come before entries for their groups, wherever
 * these stand; among each, those of the nearest policy up the path come first; within one policy, later entries before earlier
 * ones. The first that speaks of the privilege and the item decides; nothing said is denied.
 */
import { adminUser, groups } from '../api.js';
import type { Privilege } from '../api.js';
import { parentOf } from '../path.js';
import { primaryTypeOf } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { AccessState } from './access-state.js';
import { authenticationService, credentialProperties } from './authorizables.js';
import { controlledPath } from './controlled-path.js';
import { bitsOfPrivilege } from './privileges.js';
import type { Item } from './restrictions.js';
import { allowedOn, allowedOnSomeType, rightsOf } from './user-rights.js';
import type { UserRights } from './user-rights.js';

const readNodes = bitsOfPrivilege('rep:readNodes');
const readProperties = bitsOfPrivilege('rep:readProperties');

/** What a node is cannot be told apart from its being there. */
const alwaysShown: ReadonlySet<string> = new Set(['jcr:primaryType', 'jcr:mixinTypes']);

/** One user's rights under one access state. */
export class AccessEvaluator {
  readonly state: AccessState;
  readonly userId: string;
  readonly #rights: UserRights;
  /** Administrators: nothing is refused them, nothing hidden from them. */
  readonly mayDoEverything: boolean;
  readonly #readsCredentials: boolean;

  constructor(state: AccessState, userId: string) {
    this.state = state;
    this.userId = userId;
    this.#rights = rightsOf(state, userId);
    this.mayDoEverything = isAdministrator(userId, this.#rights.memberships);
    this.#readsCredentials = this.mayDoEverything || userId === authenticationService;
  }

  /**
   * Whether the node may be seen, with those of its properties that `visible` leaves.
   * @param record of the node, by whose type entries may go; without it none grants by type, and each that denies by type does
   */
  canRead(path: string, record?: NodeRecord): boolean {
    if (this.mayDoEverything) return true;
    const controlled = controlledPath(path);
    if (controlled !== undefined) return this.isAllowed(controlled, 'jcr:readAccessControl');
    const chain = this.#rights.chainAt(path);
    if (chain.allowed !== undefined) return (chain.allowed & readNodes) === readNodes;
    return allowedOn(chain, nodeItem(path, record), readNodes) === readNodes;
  }

  /** False only where no node may be seen, of whatever type: what is true is asked again with the node's record. */
  mayBeReadable(path: string): boolean {
    if (!this.goesByType || controlledPath(path) !== undefined) return this.canRead(path);
    return allowedOnSomeType(this.#rights.chainAt(path), path, readNodes) === readNodes;
  }

  /** Whether all that the privilege holds is allowed on the node. @param record as in `canRead` */
  isAllowed(path: string, privilege: Privilege, record?: NodeRecord): boolean {
    if (this.mayDoEverything) return true;
    const wanted = bitsOfPrivilege(privilege);
    return allowedOn(this.#rights.chainAt(path), nodeItem(path, record), wanted) === wanted;
  }

  /** As `isAllowed`, on a property of the node, which restrictions may single out. */
  isAllowedOnProperty(path: string, name: string, privilege: Privilege, record?: NodeRecord): boolean {
    if (this.mayDoEverything) return true;
    const wanted = bitsOfPrivilege(privilege);
    return allowedOn(this.#rights.chainAt(path), propertyItem(path, name, record), wanted) === wanted;
  }

  /** Whether some entry that concerns the user goes by the type of the node. */
  get goesByType(): boolean {
    return !this.mayDoEverything && this.#rights.goesByType;
  }

  /**
   * A readable node with the properties that may be read; the same record when these are all.
   * @param typed the record whose type counts, where the node is about to have another
   */
  visible(path: string, record: NodeRecord, typed = record): NodeRecord {
    if (this.mayDoEverything) return record;
    const hidden = this.#hiddenProperties(path, record, typed);
    if (hidden.length === 0) return record;
    const properties = new Map(record.properties);
    for (const name of hidden) properties.delete(name);
    return { identifier: record.identifier, position: record.position, properties };
  }

  #hiddenProperties(path: string, { properties }: NodeRecord, typed: NodeRecord): readonly string[] {
    const credentials = this.#readsCredentials ? [] : credentialProperties.filter((name) => properties.has(name));
    if (controlledPath(path) !== undefined) return credentials;
    const chain = this.#rights.chainAt(path);
    if (chain.allowed !== undefined && (chain.allowed & readProperties) !== 0) return credentials;
    const unreadable = [...properties.keys()].filter(
      (name) => !alwaysShown.has(name) && allowedOn(chain, propertyItem(path, name, typed), readProperties) === 0,
    );
    return [...credentials, ...unreadable];
  }

  /** Controlled paths below `path`, where rights may differ from those at `path`. */
  policiesBelow(path: string): string[] {
    if (this.mayDoEverything) return [];
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.state.policies.keys()].filter((controlled) => controlled.startsWith(prefix));
  }

  /** The path itself or its nearest ancestor that may be read; `undefined` when not even the root may. */
  nearestReadable(path: string): string | undefined {
    for (let node = path; node !== ''; node = parentOf(node)) if (this.canRead(node)) return node;
    return undefined;
  }
}

export function isAdministrator(userId: string, memberships: ReadonlyMap<string, unknown>): boolean {
  return userId === adminUser || memberships.has(groups.administrators);
}

function nodeItem(path: string, record: NodeRecord | undefined): Item {
  return { path, isProperty: false, primaryType: record && primaryTypeOf(record) };
}

function propertyItem(path: string, name: string, record: NodeRecord | undefined): Item {
  const propertyPath = path === '/' ? `/${name}` : `${path}/${name}`;
  return { path: propertyPath, isProperty: true, primaryType: record && primaryTypeOf(record) };
}
