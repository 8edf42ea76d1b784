/** A real SMTP server whose answers a test decides. */
import { onTestFinished } from 'vitest';
import { SMTPServer } from 'smtp-server';
import type { AddressInfo } from 'node:net';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: Buffer;
}

/** What happens to a message: a reply code, or the connection is cut before or after the message came. */
export type Answer = number | 'cut before data' | 'cut after data';

export interface TestSmtpServer {
  readonly port: number;
  /** Messages that were answered with 250. */
  readonly accepted: readonly ReceivedMail[];
  /** Messages that came in full, whatever the answer. */
  readonly received: readonly ReceivedMail[];
  /** Connections made so far. */
  readonly connections: number;
  close(): Promise<void>;
}

export async function startSmtpServer(
  answer: (to: string, nth: number) => Answer = () => 250,
  options: { readonly at?: 'recipient' | 'data'; readonly port?: number } = {},
): Promise<TestSmtpServer> {
  const accepted: ReceivedMail[] = [];
  const received: ReceivedMail[] = [];
  let connections = 0;
  let asked = 0;
  const refusal = (code: number) => Object.assign(new Error('as the test wants'), { responseCode: code });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect: (_session, callback) => {
      connections++;
      callback();
    },
    onRcptTo: (address, session, callback) => {
      if (options.at !== 'recipient') {
        callback();
        return;
      }
      const reply = answer(address.address, asked++);
      if (reply === 'cut before data') cut(session.id);
      else callback(reply === 250 ? null : refusal(Number(reply)));
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      const to = session.envelope.rcptTo.map(({ address }) => address);
      const reply = options.at === 'recipient' ? 250 : answer(to[0] ?? '', asked++);
      if (reply === 'cut before data') {
        stream.resume();
        cut(session.id);
        return;
      }
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address;
        const mail = { from, to, raw: Buffer.concat(chunks) };
        received.push(mail);
        if (reply === 'cut after data') cut(session.id);
        else if (reply === 250) {
          accepted.push(mail);
          callback(null, 'taken');
        } else callback(refusal(reply));
      });
    },
  });
  const cut = (id: string) => {
    for (const connection of server.connections as Set<{ id: string; _socket: { destroy(): void } }>) {
      if (connection.id === id) connection._socket.destroy();
    }
  };
  // A cut connection is reported here as well; the tests look at the client's side.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= new Promise((resolve) => server.close(resolve)));
  onTestFinished(close);
  return {
    port: (server.server.address() as AddressInfo).port,
    accepted,
    received,
    get connections() {
      return connections;
    },
    close,
  };
}
