/** The embedded mailbox as people read it. */
import type { MailboxEntry, MailboxMail } from '../../activities/mail/mailbox.js';
import { html } from '../html.js';
import { moment, page } from './page.js';

/** @param embedded whether mail is kept here at all */
export function mailListPage(user: string, mails: readonly MailboxEntry[], embedded: boolean): string {
  const rows = mails.map(
    ({ id, subject, to, received }) =>
      html`<tr>
        <td><a href="/mail/${id}">${subject || '(no subject)'}</a></td>
        <td>${to.join(', ')}</td>
        <td>${moment(received)}</td>
      </tr>`,
  );
  const list = html`<div class="card scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Subject</th>
          <th scope="col">To</th>
          <th scope="col">Received</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
  const reason = embedded ? 'No mail yet.' : 'Mail goes to the mail server of the configuration; none is kept here.';
  return page(
    { title: 'Mail', user },
    html`<h1>Mail</h1>
      ${rows.length > 0 ? list : html`<div class="card quiet">${reason}</div>`}`,
  );
}

export function mailPage(user: string, mail: MailboxMail): string {
  const { id, subject, from, to, received, text, html: body } = mail;
  return page(
    { title: subject || '(no subject)', user },
    html`<h1>${subject || '(no subject)'}</h1>
      <p class="quiet">${from} to ${to.join(', ')} · ${moment(received)} · <a href="/mail/${id}/raw">source</a></p>
      ${
        body !== undefined &&
        html`<iframe
          title="The mail as HTML"
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          src="/mail/${id}/html"
        ></iframe>`
      }
      ${
        text !== undefined &&
        html`<h2>Text</h2>
          <pre class="card">${text}</pre>`
      }`,
  );
}
