import { composeMessage, parseSender } from '../compose-message.js';
import type { RenderedMail } from '../mailer.js';

/** The complete message (RFC 5322) of a preview, as a mail program would show its source. */
export async function previewMessage(mail: RenderedMail, from: string): Promise<string> {
  const sender = parseSender(from);
  const raw = await composeMessage({
    from: sender,
    to: { address: sender.address, name: '' },
    mail,
    key: 'preview',
    date: new Date(),
  });
  return new TextDecoder().decode(raw);
}
