/** Keys that payloads are encrypted with: 32 bytes as Base64, the newest first. */
import { createHash } from 'node:crypto';

export interface EncryptionKey {
  /** Made from the key, so that nobody has to give it a name: it stands beside everything the key encrypted. */
  readonly id: string;
  readonly bytes: Buffer;
}

export const keyBytes = 32;

/**
 * @param text keys separated by commas or white space; lines that begin with `#` are remarks. The first encrypts, all decrypt
 * @returns the keys, or what is wrong with them (without saying them)
 */
export function parseEncryptionKeys(text: string): readonly EncryptionKey[] | string {
  const words = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(/[\s,]+/))
    .filter((word) => word !== '');
  if (words.length === 0) return 'holds no key';
  const keys: EncryptionKey[] = [];
  for (const [index, word] of words.entries()) {
    const bytes = Buffer.from(word, 'base64');
    if (bytes.length !== keyBytes || bytes.toString('base64') !== word) {
      return `holds a key (number ${index + 1}) that is not ${keyBytes} bytes in Base64, as "openssl rand -base64 ${keyBytes}" makes it`;
    }
    keys.push({
      id: createHash('sha256').update('satchel payload key\0').update(bytes).digest('hex').slice(0, 16),
      bytes,
    });
  }
  return keys;
}
