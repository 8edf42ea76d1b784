/** Passwords of local accounts, as `satchel:passwordHash` of a user node keeps them. */
import { hash, verify } from '@node-rs/argon2';

/** Longer ones are refused unread: hashing time must not be for callers to choose. */
export const maxPasswordBytes = 1024;

/** Argon2id with 19 MiB, two passes and one lane, as the OWASP Password Storage Cheat Sheet asks. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** A hash of a password nobody has, so that an unknown user costs the same time as a wrong password. */
let decoy: Promise<string> | undefined;

/** @returns a PHC string, `$argon2id$…` */
export async function hashPassword(password: string): Promise<string> {
  return hash(password, parameters);
}

/**
 * @param passwordHash `undefined` for a user that does not exist or has no password: false, after the same work
 */
export async function verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > maxPasswordBytes) return false;
  decoy ??= hashPassword(crypto.randomUUID());
  const matches = await verify(passwordHash ?? (await decoy), password).catch(() => false);
  return matches && passwordHash !== undefined;
}
