/** Mail over the server that is named at the moment: it may change, come and go while Satchel runs. */
import { SatchelError } from '../workflows/contract/errors.js';
import type { MailTransport } from '../activities/mail/transport.js';
import type { OsgiConfigurations } from './osgi-configurations.js';
import { mailServerOf, type MailServer } from './osgi-mail-service.js';
import { mailServicePid } from './osgi-mappings.js';

/** The server that the OSGi configuration of the mail service names now. */
export async function mailServer(osgi: OsgiConfigurations): Promise<MailServer | undefined> {
  const service = await osgi.active(mailServicePid);
  return service?.properties && mailServerOf(service.properties);
}

export interface MailServiceOptions {
  /** The server now; `undefined` where none is named. */
  readonly server: () => Promise<MailServer | undefined>;
  readonly open: (server: MailServer) => Promise<MailTransport>;
  /** Takes the mails where no server is named; `undefined`: then there is no mail. */
  readonly otherwise: MailTransport | undefined;
}

interface Opened {
  readonly key: string;
  readonly transport: Promise<MailTransport>;
  /** Mails under way: the connections of a server that is no longer named close when they are through. */
  underWay: number;
}

export function createMailServiceTransport({ server, open, otherwise }: MailServiceOptions): MailTransport {
  let opened: Opened | undefined;

  /** The transport of the server now, with one mail more under way. */
  async function acquire(): Promise<Opened | undefined> {
    const wanted = await server();
    const key = JSON.stringify(wanted);
    const former = opened;
    if (former?.key !== key) opened = wanted && { key, transport: open(wanted), underWay: 0 };
    const current = opened;
    if (current) current.underWay += 1;
    if (former) await closeWhenIdle(former);
    return current;
  }

  async function release(one: Opened): Promise<void> {
    one.underWay -= 1;
    await closeWhenIdle(one);
  }

  async function closeWhenIdle(one: Opened): Promise<void> {
    if (one !== opened && one.underWay === 0) await (await one.transport).close();
  }

  return {
    async send(mail, signal) {
      const one = await acquire();
      if (!one) {
        if (otherwise) return otherwise.send(mail, signal);
        throw new SatchelError('MAIL_UNAVAILABLE', 'No mail server is configured any more.', {
          details: { connection: true, unreachable: true },
        });
      }
      try {
        return await (await one.transport).send(mail, signal);
      } finally {
        await release(one);
      }
    },
    available: async () => otherwise !== undefined || (await server()) !== undefined,
    async verify() {
      const one = await acquire();
      if (!one) return;
      try {
        await (await one.transport).verify?.();
      } finally {
        await release(one);
      }
    },
    async close() {
      const last = opened;
      opened = undefined;
      if (last) await (await last.transport).close();
      await otherwise?.close();
    },
  };
}
