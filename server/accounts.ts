/** Who is at the door: passwords at login, and on every request whether the account is still what it was then. */
import { createHash } from 'node:crypto';
import { adminUser, groups, type Repository, type Session } from '../repository/api.js';
import { authenticationService } from '../repository/access/authorizables.js';
import { findUser, isMember, passwordHashOf } from '../repository/users.js';
import { verifyPassword } from './passwords.js';

export interface Account {
  readonly id: string;
  readonly email: string | undefined;
  readonly administrator: boolean;
  /** Changes with the password, so that changing it ends every session. */
  readonly stamp: string;
}

export interface Accounts {
  /** @returns `undefined` for an unknown or disabled user and for a wrong password, after the same work */
  logIn(user: string, password: string): Promise<Account | undefined>;
  /** The account of a session that was opened with this stamp, unless it was disabled or its password changed since. */
  resume(user: string, stamp: string): Promise<Account | undefined>;
}

export function createAccounts(repository: Repository): Accounts {
  const read = async <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    repository.withSession({ service: authenticationService }, work);
  return {
    logIn: async (user, password) =>
      read(async (session) => {
        const passwordHash = await passwordHashOf(session, user);
        const matches = await verifyPassword(passwordHash, password);
        return matches && passwordHash !== undefined ? accountOf(session, user, stampOf(passwordHash)) : undefined;
      }),
    resume: async (user, stamp) =>
      read(async (session) => {
        const passwordHash = await passwordHashOf(session, user);
        return passwordHash !== undefined && stampOf(passwordHash) === stamp
          ? accountOf(session, user, stamp)
          : undefined;
      }),
  };
}

function stampOf(passwordHash: string): string {
  return createHash('sha256').update(passwordHash).digest('base64url').slice(0, 22);
}

async function accountOf(session: Session, id: string, stamp: string): Promise<Account | undefined> {
  const profile = await findUser(session, id);
  if (!profile || profile.disabled) return undefined;
  const administrator = id === adminUser || (await isMember(session, id, groups.administrators));
  return { id, email: profile.email, administrator, stamp };
}
