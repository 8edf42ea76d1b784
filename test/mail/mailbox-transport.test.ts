import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMailboxTransport } from '../../activities/mail/mailbox-transport.js';
import { listMailbox, readMailboxMail } from '../../activities/mail/mailbox.js';
import { testMail } from './transport-conformance.js';

describe('createMailboxTransport', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'satchel-mailbox-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps what it is given, over SMTP, before it gives a receipt', async () => {
    const transport = createMailboxTransport({ folder });
    try {
      const mails = await Promise.all(['a@example.com', 'b@example.com'].map(async (to) => testMail(to)));
      const receipts = await Promise.all(mails.map(async (mail) => transport.send(mail)));
      expect(receipts.map(({ response }) => response.slice(0, 3))).toEqual(['250', '250']);
      const kept = await listMailbox(folder);
      expect(kept.map(({ messageId }) => messageId).sort()).toEqual(mails.map(({ messageId }) => messageId).sort());
      const read = await readMailboxMail(folder, kept[0]?.id ?? '');
      expect(read?.text?.trim()).toBe('Hello');
    } finally {
      await transport.close();
    }
  });

  it('starts nothing and makes nothing while no mail is sent', async () => {
    const transport = createMailboxTransport({ folder: join(folder, 'mail') });
    await transport.close();
    expect(await listMailbox(join(folder, 'mail'))).toEqual([]);
  });
});
