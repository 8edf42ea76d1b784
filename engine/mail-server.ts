/** From the configuration to what mail is sent with: the server, its certificates, and the keys that sign. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSigner, type MailSigner } from '../activities/mail/dkim.js';
import type { SmtpOptions } from '../activities/mail/smtp-transport.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { Configuration } from './configuration.js';
import type { MailServer } from './osgi-mail-service.js';

type MailConfiguration = Configuration['mail'];

/** @returns `undefined` where the configuration names no server */
export function configuredServer({ smtp, password, tls }: MailConfiguration): MailServer | undefined {
  if (smtp === undefined) return undefined;
  const url = new URL(smtp);
  const implicit = url.protocol === 'smtps:';
  const security = implicit ? 'implicit' : tls;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || (implicit ? 465 : 587)),
    ...(security && { security }),
    ...(url.username && {
      user: decodeURIComponent(url.username),
      password: password ?? decodeURIComponent(url.password),
    }),
  };
}

/**
 * What holds for any server, also for one that an OSGi configuration names.
 * @throws SatchelError INVALID_CONFIGURATION for a file that cannot be read
 */
export async function commonServerOptions(
  dataFolder: string,
  { caFile, allowPlainLogin }: MailConfiguration,
): Promise<Pick<SmtpOptions, 'ca' | 'allowPlainLogin'>> {
  const ca = caFile === undefined ? undefined : await readText(dataFolder, 'mail.caFile', caFile);
  return { allowPlainLogin, ...(ca !== undefined && { ca }) };
}

/** @throws SatchelError INVALID_CONFIGURATION for a key that cannot be read or is none */
export async function configuredSigner(
  dataFolder: string,
  { dkim }: MailConfiguration,
): Promise<MailSigner | undefined> {
  if (!dkim || dkim.length === 0) return undefined;
  const keys = dkim.map(async ({ domain, selector, keyFile }) => ({
    domain,
    selector,
    privateKey: await readText(dataFolder, 'mail.dkim', keyFile),
  }));
  return createSigner(await Promise.all(keys));
}

async function readText(dataFolder: string, field: string, file: string): Promise<string> {
  const path = resolve(dataFolder, file);
  return readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError('INVALID_CONFIGURATION', `${field}: the file ${path} cannot be read: ${reason}.`, {
      details: { field },
      cause,
    });
  });
}
