/** One connection to a mail server: opened, secured and logged in, then used for one message after another. */
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { SatchelError } from '../../workflows/contract/errors.js';

/**
 * How the connection is encrypted. `implicit`: TLS from the first byte (port 465). `required`: STARTTLS, and nothing is sent
 * to a server without it. `opportunistic`: STARTTLS where the server offers it. `none`: never.
 */
export type SmtpSecurity = 'implicit' | 'required' | 'opportunistic' | 'none';

export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  readonly security: SmtpSecurity;
  readonly user?: string;
  readonly password?: string;
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string;
  /** Seconds a server may take to accept a connection, and to answer. */
  readonly connectSeconds: number;
  readonly answerSeconds: number;
}

export interface SmtpConnection {
  /** False once the server or a failure ended it. */
  readonly usable: boolean;
  /**
   * @returns the server's reply to the end of DATA
   * @throws SatchelError MAIL_REJECTED, MAIL_UNAVAILABLE (details: `responseCode`; `connection` when it was no reply;
   * `unsure` when the server may have taken the message)
   */
  send(mail: { readonly from: string; readonly to: string; readonly raw: Uint8Array }): Promise<string>;
  /** Says goodbye. */
  quit(): void;
  /** Cuts it. */
  close(): void;
  /** Is called once, when the connection is over. */
  onEnd(listener: () => void): void;
}

type Failure = Error & { responseCode?: number | undefined; code?: string | undefined };

/** @throws SatchelError MAIL_UNAVAILABLE, with `unreachable` in its details: no mail is at fault */
export async function openSmtpConnection(server: SmtpServer): Promise<SmtpConnection> {
  const { host, port, security, user, password = '', ca } = server;
  const connection = new SMTPConnection({
    host,
    port,
    secure: security === 'implicit',
    requireTLS: security === 'required',
    ignoreTLS: security === 'none',
    ...(ca !== undefined && { tls: { ca } }),
    connectionTimeout: server.connectSeconds * 1000,
    greetingTimeout: server.connectSeconds * 1000,
    socketTimeout: server.answerSeconds * 1000,
  });
  const name = `${host}:${port}`;
  let ended = false;
  let failSending: ((error: Failure) => void) | undefined;
  const listeners: (() => void)[] = [];
  connection.once('end', () => {
    ended = true;
    failSending?.(new Error('the connection was closed'));
    for (const listener of listeners.splice(0)) listener();
  });
  let greeting = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Failure) => {
      // Before the end that closing brings.
      reject(unavailable(name, error.message, { cause: error, details: { server: name } }));
      connection.close();
    };
    // Once it is open, whoever sends hears of errors by the callback of the sending.
    connection.on('error', fail);
    connection.once('end', () => fail(new Error('the server closed the connection')));
    connection.connect((error?: Failure | null) => {
      if (error) {
        fail(error);
        return;
      }
      // The reply to the last EHLO says what the server can do.
      greeting = String(connection.lastServerResponse);
      if (user === undefined) {
        resolve();
        return;
      }
      if (!connection.allowsAuth) {
        fail(new Error('it offers no login, and a user is configured'));
        return;
      }
      connection.login({ credentials: { user, pass: password } }, (refused?: Failure | null) =>
        refused ? fail(refused) : resolve(),
      );
    });
  });
  const takesUtf8 = /^250[ -]SMTPUTF8\b/im.test(greeting);

  return {
    get usable() {
      return !ended && failSending === undefined;
    },
    send: async ({ from, to, raw }) => {
      if (!takesUtf8 && !isAscii(from + to)) {
        const problem = 'it does not take addresses beyond ASCII (it offers no SMTPUTF8)';
        throw rejected(name, `the message to ${to}`, problem, { details: { server: name, to } });
      }
      const message = streamOf(raw);
      try {
        return await new Promise<string>((resolve, reject) => {
          failSending = reject;
          connection.send({ from, to: [to] }, message, (error, info) =>
            error ? reject(error) : resolve(info.response),
          );
        });
      } catch (error) {
        throw await refusal(error as Failure, to, message.readableDidRead);
      } finally {
        failSending = undefined;
      }
    },
    quit: () => connection.quit(),
    close: () => connection.close(),
    onEnd: (listener) => {
      if (ended) listener();
      else listeners.push(listener);
    },
  };

  /**
   * By the server's reply code (RFC 5321, section 4.2.1): 5yz is for good, 4yz for now. Without a reply it was the
   * connection; a message nodemailer refused itself (an address no server could take) is for good as well.
   */
  async function refusal(cause: Failure, to: string, begun: boolean): Promise<SatchelError> {
    const { responseCode, code, message } = cause;
    const ofMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
    const reusable = ofMessage && responseCode !== 421 && !ended && (await reset());
    if (!reusable) connection.close();
    const details = { server: name, to, ...(responseCode !== undefined && { responseCode }) };
    if (ofMessage && (responseCode === undefined || responseCode >= 500)) {
      return rejected(name, `the message to ${to}`, message, { details, cause });
    }
    const lost = responseCode === undefined;
    return new SatchelError(
      'MAIL_UNAVAILABLE',
      `The mail server ${name} did not take the message to ${to}: ${message}`,
      {
        details: { ...details, connection: lost, ...(lost && begun && { unsure: true }) },
        cause,
      },
    );
  }

  /** Forgets the message that was refused. */
  async function reset(): Promise<boolean> {
    return new Promise((resolve) => {
      connection.once('end', () => resolve(false));
      connection.reset((error?: Error | null) => resolve(!error));
    });
  }
}

function rejected(server: string, what: string, why: string, options: ErrorDetails): SatchelError {
  return new SatchelError('MAIL_REJECTED', `The mail server ${server} refused ${what}: ${why}`, options);
}

function unavailable(server: string, why: string, { cause, details }: ErrorDetails): SatchelError {
  return new SatchelError('MAIL_UNAVAILABLE', `The mail server ${server} cannot be used: ${why}`, {
    details: { ...details, connection: true, unreachable: true },
    cause,
  });
}

interface ErrorDetails {
  readonly cause?: unknown;
  readonly details: Record<string, string | number | boolean>;
}

function streamOf(raw: Uint8Array): Readable {
  return Readable.from([Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)], { objectMode: false });
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
