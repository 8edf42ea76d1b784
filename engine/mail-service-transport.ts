/** Mail over the server that is named at the moment: it may change, come and go while Satchel runs. */
import type { MailTransport } from '../activities/mail/transport.js';
import type { MailServer } from './osgi-mail-service.js';

export interface MailServiceOptions {
  /** The server now; `undefined` where none is named. */
  readonly server: () => Promise<MailServer | undefined>;
  readonly open: (server: MailServer) => Promise<MailTransport>;
  /** Takes the mails where no server is named. */
  readonly otherwise: MailTransport;
}

interface Opened {
  readonly key: string;
  readonly transport: Promise<MailTransport>;
}

export function createMailServiceTransport({ server, open, otherwise }: MailServiceOptions): MailTransport {
  let opened: Opened | undefined;
  /** Mails under way over a server that is no longer named; its connections close when they are through. */
  const underWay = new Map<Opened, number>();

  async function closeWhenIdle(one: Opened): Promise<void> {
    if (one !== opened && (underWay.get(one) ?? 0) === 0) await (await one.transport).close();
  }

  async function current(): Promise<Opened | undefined> {
    const wanted = await server();
    const key = JSON.stringify(wanted);
    if (opened?.key === key) return opened;
    const former = opened;
    opened = wanted && { key, transport: open(wanted) };
    if (former) await closeWhenIdle(former);
    return opened;
  }

  return {
    async send(mail, signal) {
      const one = await current();
      if (!one) return otherwise.send(mail, signal);
      underWay.set(one, (underWay.get(one) ?? 0) + 1);
      try {
        return await (await one.transport).send(mail, signal);
      } finally {
        const left = (underWay.get(one) ?? 1) - 1;
        if (left > 0) underWay.set(one, left);
        else {
          underWay.delete(one);
          await closeWhenIdle(one);
        }
      }
    },
    async close() {
      const last = opened;
      opened = undefined;
      if (last) await (await last.transport).close();
      await otherwise.close();
    },
  };
}
