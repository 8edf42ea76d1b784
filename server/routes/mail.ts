/** The embedded mailbox. Administrators see every mail, others those that were sent to them. */
import { z } from 'zod';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { listMailbox, readMailboxMail, type MailboxMail } from '../../activities/mail/mailbox.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { mayReadMail } from '../mail-rights.js';
import { mailListPage, mailPage } from '../pages/mail-page.js';
import { accountOf } from '../services.js';

/** Newest mails shown in the list. */
const shownMails = 200;
const parameters = z.object({ id: z.string() });

/** Mail is foreign content even here: no script, no form, no request; links open in a page of their own. */
const mailPolicy = [
  'sandbox allow-popups allow-popups-to-escape-sandbox',
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "frame-ancestors 'self'",
].join('; ');

/** @param folder `undefined` where mail goes to a real server */
export function registerMail(app: FastifyInstance, folder: string | undefined): void {
  app.get('/mail', async (request, reply) => {
    const account = accountOf(request);
    const mails = folder === undefined ? [] : await listMailbox(folder, { limit: shownMails });
    const visible = mails.filter((mail) => mayReadMail(account, mail));
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(mailListPage(account.id, visible, folder !== undefined));
  });

  app.get('/mail/:id', async (request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(mailPage(accountOf(request).id, await readMail(folder, request))),
  );

  app.get('/mail/:id/html', async (request, reply) => {
    const { html = '' } = await readMail(folder, request);
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', mailPolicy)
      .header('x-frame-options', 'SAMEORIGIN')
      .send(`<!doctype html><base target="_blank">${html}`);
  });

  app.get('/mail/:id/raw', async (request, reply) => {
    const { raw } = await readMail(folder, request);
    // Shown, not opened by a mail program.
    return reply.type('text/plain; charset=utf-8').send(Buffer.from(raw));
  });
}

/** @throws SatchelError PATH_NOT_FOUND for a mail that does not exist, or is for somebody else */
async function readMail(folder: string | undefined, request: FastifyRequest): Promise<MailboxMail> {
  const { id } = parameters.parse(request.params);
  const mail = folder === undefined ? undefined : await readMailboxMail(folder, id);
  if (!mail || !mayReadMail(accountOf(request), mail))
    throw new SatchelError('PATH_NOT_FOUND', `There is no mail "${id}".`);
  return mail;
}
