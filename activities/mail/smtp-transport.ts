/** Mail over SMTP, to a configured server or to the embedded mailbox: a few connections, kept open between mails. */
import { setTimeout as delay } from 'node:timers/promises';
import { SatchelError } from '../../workflows/contract/errors.js';
import { createPace } from './pace.js';
import type { SmtpConnection, SmtpSecurity } from './smtp-connection.js';
import { openSmtpConnection } from './smtp-connection.js';
import type { MailTransport } from './transport.js';

export interface SmtpOptions {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  /** Default: `required` with a user, else `opportunistic`. */
  readonly security?: SmtpSecurity;
  /** Lets the password go over a connection that may not be encrypted; the default is `opportunistic` then, too. */
  readonly allowPlainLogin?: boolean;
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string;
  /** Connections at once, asked at every mail. Default 2. */
  readonly connections?: () => number;
  /** Mails begun in a second, asked at every mail; 0: as many as there are. Default 0. */
  readonly messagesPerSecond?: () => number;
  /** Seconds a server may take to accept a connection, and to answer. Defaults 10 and 60. */
  readonly connectSeconds?: number;
  readonly answerSeconds?: number;
}

/** Shorter than the minute after which many servers drop an idle connection. */
const idleMs = 30_000;

/** @throws SatchelError INVALID_CONFIGURATION for a login that could go unencrypted */
export function createSmtpTransport(options: SmtpOptions): MailTransport {
  const { user, allowPlainLogin = false, connections = () => 2, messagesPerSecond = () => 0 } = options;
  const mayBePlain = user === undefined || allowPlainLogin;
  const { security = mayBePlain ? 'opportunistic' : 'required' } = options;
  if (!mayBePlain && (security === 'opportunistic' || security === 'none')) {
    throw new SatchelError(
      'INVALID_CONFIGURATION',
      `The login at the mail server ${options.host}:${options.port} could go over the network unencrypted: use smtps or mail.tls "required", or allow it with mail.allowPlainLogin.`,
      { details: { field: 'mail.tls' } },
    );
  }
  const server = { connectSeconds: 10, answerSeconds: 60, ...options, security };
  const idle: { readonly connection: SmtpConnection; readonly timer: NodeJS.Timeout }[] = [];
  const waiting: (() => void)[] = [];
  let busy = 0;
  let closed = false;
  const pace = createPace(messagesPerSecond);

  /** Waits until a connection more may be used; a count, so that a lower limit holds for what comes. */
  async function enter(signal: AbortSignal | undefined): Promise<void> {
    if (busy < Math.max(1, connections())) {
      busy++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(signal?.reason as Error);
      };
      const go = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      waiting.push(go);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Gives the place to who waits longest. */
  function leave(): void {
    const go = busy <= Math.max(1, connections()) ? waiting.shift() : undefined;
    if (go) go();
    else busy--;
  }

  async function paced(signal: AbortSignal | undefined): Promise<void> {
    const wait = pace(performance.now());
    if (wait <= 0) return;
    await delay(wait, undefined, signal && { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }

  async function connect(): Promise<SmtpConnection> {
    const connection = await openSmtpConnection(server);
    connection.onEnd(() => {
      const place = idle.findIndex((one) => one.connection === connection);
      if (place >= 0) clearTimeout(idle.splice(place, 1)[0]?.timer);
    });
    return connection;
  }

  function takeIdle(): SmtpConnection | undefined {
    const last = idle.pop();
    if (last) clearTimeout(last.timer);
    return last?.connection;
  }

  function keep(connection: SmtpConnection): void {
    if (!connection.usable) return;
    if (closed) {
      connection.quit();
      return;
    }
    const timer = setTimeout(() => {
      const place = idle.findIndex((one) => one.connection === connection);
      if (place >= 0) idle.splice(place, 1);
      connection.quit();
    }, idleMs).unref();
    idle.push({ connection, timer });
  }

  return {
    send: async ({ from, to, raw }, signal) => {
      signal?.throwIfAborted();
      await enter(signal);
      try {
        await paced(signal);
        signal?.throwIfAborted();
        let kept = takeIdle();
        for (;;) {
          const connection = kept ?? (await connect());
          const cut = () => connection.close();
          signal?.addEventListener('abort', cut, { once: true });
          try {
            const response = await connection.send({ from, to, raw });
            return { response };
          } catch (error) {
            signal?.throwIfAborted();
            // A kept connection that the server had dropped before a byte of the message went out; all else is the caller's to retry.
            const dropped = kept !== undefined && error instanceof SatchelError && error.details['connection'] === true;
            if (!dropped || error.details['unsure'] === true) throw error;
            kept = undefined;
          } finally {
            signal?.removeEventListener('abort', cut);
            keep(connection);
          }
        }
      } finally {
        leave();
      }
    },
    verify: async () => {
      keep(takeIdle() ?? (await connect()));
    },
    // What is being sent comes to its end.
    close: async () => {
      closed = true;
      for (const { connection, timer } of idle.splice(0)) {
        clearTimeout(timer);
        connection.quit();
      }
    },
  };
}
