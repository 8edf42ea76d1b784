/** DKIM signatures (RFC 6376): by the domain of the sender, once, before a message is kept. Sending again sends the same signature. */
import { createPrivateKey } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { SatchelError } from '../../workflows/contract/errors.js';

export interface DkimKey {
  /** Signs for senders of this domain and those below it. */
  readonly domain: string;
  readonly selector: string;
  /** PEM; RSA. */
  readonly privateKey: string;
}

/** @param sender address of the header From @returns the message as it is where no key fits */
export type MailSigner = (message: Uint8Array, sender: string) => Promise<Uint8Array>;

/** @throws SatchelError INVALID_CONFIGURATION for a key that is none, or no RSA key */
export function createSigner(keys: readonly DkimKey[]): MailSigner {
  const known = keys.map(({ domain, selector, privateKey }) => {
    checkKey(domain, privateKey);
    return { domainName: domainToASCII(domain), keySelector: selector, privateKey };
  });
  // The closest domain wins.
  known.sort((a, b) => b.domainName.length - a.domainName.length);
  return async (message, sender) => {
    const domain = domainToASCII(sender.slice(sender.lastIndexOf('@') + 1));
    const key = known.find(({ domainName }) => domain === domainName || domain.endsWith(`.${domainName}`));
    if (!key) return message;
    const { default: DKIM } = await import('nodemailer/lib/dkim');
    const signed = new DKIM({ keys: [key] }).sign(Buffer.from(message));
    const chunks: Buffer[] = [];
    for await (const chunk of signed) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
}

function checkKey(domain: string, privateKey: string): void {
  const fail = (problem: string, cause?: unknown) =>
    new SatchelError('INVALID_CONFIGURATION', `The DKIM key of ${domain} ${problem}.`, {
      details: { field: 'mail.dkim' },
      cause,
    });
  let type: string | undefined;
  try {
    type = createPrivateKey(privateKey).asymmetricKeyType;
  } catch (error) {
    throw fail('is no private key in PEM form', error);
  }
  if (type !== 'rsa') throw fail(`is of type ${String(type)}; RSA keys are supported`);
}
