import { maxPasswordBytes } from '../server/passwords.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { Terminal } from './output/terminal.js';

/** NIST SP 800-63B, 3.1.1: length is what counts. */
const minimumCharacters = 8;

/** @throws SatchelError INVALID_REQUEST when it is too short or too long */
export async function askNewPassword(terminal: Terminal): Promise<string> {
  const password = await terminal.ask('Password: ', { hidden: true });
  if (password.length < minimumCharacters || Buffer.byteLength(password) > maxPasswordBytes) {
    throw new SatchelError(
      'INVALID_REQUEST',
      `The password must have ${minimumCharacters} characters or more, and at most ${maxPasswordBytes} bytes.`,
    );
  }
  return password;
}
