/** Mail into the embedded mailbox: its SMTP server runs in this process and is started with the first mail. */
import { createMailbox, type EmbeddedMailbox, type MailboxOptions } from './mailbox.js';
import type { MailTransport } from './transport.js';

export function createMailboxTransport(options: MailboxOptions): MailTransport {
  let started: Promise<{ readonly mailbox: EmbeddedMailbox; readonly transport: MailTransport }> | undefined;

  async function start() {
    const mailbox = await createMailbox(options);
    const { createSmtpTransport } = await import('./smtp-transport.js');
    return { mailbox, transport: createSmtpTransport({ host: mailbox.host, port: mailbox.port }) };
  }

  return {
    async send(mail, signal) {
      started ??= start();
      // A folder that could not be made may be there at the next attempt.
      started.catch(() => (started = undefined));
      const { transport } = await started;
      return transport.send(mail, signal);
    },
    async close() {
      const running = await started;
      await running?.transport.close();
      await running?.mailbox.close();
    },
  };
}
