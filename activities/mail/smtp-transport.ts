/** Mail over SMTP: to a configured server, or to the embedded mailbox. */
import { createTransport } from 'nodemailer';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { MailTransport, OutgoingMail } from './transport.js';

export interface SmtpOptions {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  /** TLS from the first byte (port 465); otherwise STARTTLS is used where the server offers it. */
  readonly secure?: boolean;
  /** Sends nothing to a server that offers no STARTTLS. */
  readonly requireTls?: boolean;
  /** Connections kept open between mails; servers often delay the greeting of a new one. Default 2. */
  readonly connections?: number;
  /** Seconds a server may take to accept a connection, and to answer. Defaults 10 and 60. */
  readonly connectSeconds?: number;
  readonly answerSeconds?: number;
}

export function createSmtpTransport(options: SmtpOptions): MailTransport {
  const { host, port, user, password, secure = false, requireTls = false, connections = 2 } = options;
  const { connectSeconds = 10, answerSeconds = 60 } = options;
  const pool = createTransport({
    pool: true,
    host,
    port,
    secure,
    requireTLS: requireTls && !secure,
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    maxConnections: connections,
    // Only a connection that the server had dropped before a byte was sent is replaced: all else is the caller's to retry.
    maxRequeues: 1,
    // Shorter than the minute after which many servers drop an idle connection.
    idleTimeout: 30_000,
    connectionTimeout: connectSeconds * 1000,
    greetingTimeout: connectSeconds * 1000,
    socketTimeout: answerSeconds * 1000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const server = `${host}:${port}`;

  return {
    send: async ({ from, to, raw }, signal) => {
      signal?.throwIfAborted();
      try {
        const { response } = await pool.sendMail({
          envelope: { from, to: [to] },
          raw: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength),
          ...(signal && { signal }),
        });
        return { response };
      } catch (error) {
        signal?.throwIfAborted();
        throw asMailError(error, to, server);
      }
    },
    close: async () => pool.close(),
  };
}

/**
 * By the server's reply code (RFC 5321, section 4.2.1): 5yz is for good, 4yz for now. Without a reply it was the
 * connection; a message nodemailer refused itself (an address the server could not take) is for good as well.
 */
function asMailError(cause: unknown, to: OutgoingMail['to'], server: string): SatchelError {
  const { responseCode, code, message } = cause as Error & { responseCode?: number; code?: string };
  const details = { server, to, ...(responseCode !== undefined && { responseCode }) };
  if (responseCode === undefined ? code === 'EENVELOPE' || code === 'EMESSAGE' : responseCode >= 500) {
    const who = code === 'EAUTH' ? 'the login' : `the message to ${to}`;
    return new SatchelError('MAIL_REJECTED', `The mail server ${server} refused ${who}: ${message}`, {
      details,
      cause,
    });
  }
  return new SatchelError(
    'MAIL_UNAVAILABLE',
    `The mail server ${server} did not take the message to ${to}: ${message}`,
    {
      details: { ...details, connection: responseCode === undefined },
      cause,
    },
  );
}
