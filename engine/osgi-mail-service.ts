/** The mail server that AEM's mail service names. Pure. */
import type { OsgiProperties, OsgiProperty } from '../repository/osgi/configuration.js';
import type { SmtpOptions } from '../activities/mail/smtp-transport.js';

export type MailServer = Pick<SmtpOptions, 'host' | 'port' | 'user' | 'password' | 'security'>;

const defaultPort = 25;

/** @returns `undefined` where it names no host */
export function mailServerOf(properties: OsgiProperties): MailServer | undefined {
  const text = (name: string) => String(properties.get(name)?.values[0] ?? '').trim();
  const host = text('smtp.host');
  if (host === '') return undefined;
  const user = text('smtp.user');
  return {
    host,
    port: Number(text('smtp.port') || defaultPort),
    ...security(text('smtp.ssl') === 'true', text('smtp.requiretls') === 'true'),
    ...(user !== '' && { user, password: String(properties.get('smtp.password')?.values[0] ?? '') }),
  };
}

/** Where neither is set it depends on whether there is a login (SmtpOptions.security). */
function security(ssl: boolean, requireTls: boolean): Pick<MailServer, 'security'> {
  if (ssl) return { security: 'implicit' };
  return requireTls ? { security: 'required' } : {};
}

/** @returns what is wrong with it; continues its name */
export function hostProblem({ values }: OsgiProperty): string | undefined {
  const ok = values.length === 1 && /^(\[[\da-f:]+\]|[\w.:-]*)$/i.test(String(values[0]).trim());
  return ok ? undefined : 'must be the name or address of a host';
}

/** @returns what is wrong with it; continues its name */
export function portProblem({ values }: OsgiProperty): string | undefined {
  const port = /^\d{1,5}$/.test(String(values[0])) ? Number(values[0]) : 0;
  return values.length === 1 && port >= 1 && port <= 65_535 ? undefined : 'must be a port from 1 to 65535';
}
