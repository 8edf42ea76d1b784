import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { composeMessage, isAddress, mailKey, messageIdOf, parseSender } from '../../activities/mail/compose-message.js';

const from = parseSender('Satchel Désk <satchel@example.com>');
const rendered = {
  subject: 'Ready',
  html: '<p>Hällo</p>',
  text: 'Hällo',
  locale: 'de',
  layers: {},
  templateVersion: '',
};
const compose = (change: { subject?: string; html?: string; name?: string; address?: string }) =>
  composeMessage({
    from,
    to: { name: change.name ?? 'Ana', address: change.address ?? 'ana@example.com' },
    mail: { ...rendered, subject: change.subject ?? rendered.subject, html: change.html ?? rendered.html },
    key: 'abc',
    date: new Date('2030-01-02T03:04:05Z'),
  });

describe('a message', () => {
  it('has both parts, and says who, whom, when, and that a program wrote it', async () => {
    const mail = await PostalMime.parse(await compose({}));
    expect(mail).toMatchObject({
      from: { name: 'Satchel Désk', address: 'satchel@example.com' },
      to: [{ name: 'Ana', address: 'ana@example.com' }],
      subject: 'Ready',
      date: '2030-01-02T03:04:05.000Z',
      messageId: '<abc@example.com>',
    });
    expect(mail.html?.trim()).toBe('<p>Hällo</p>');
    expect(mail.text?.trim()).toBe('Hällo');
    const header = (key: string) => mail.headers.find((candidate) => candidate.key === key)?.value;
    expect(header('content-type')).toMatch(/^multipart\/alternative/);
    expect(header('auto-submitted')).toBe('auto-generated');
    expect(header('content-language')).toBe('de');
  });

  it('is the same bytes for the same input', async () => {
    expect(Buffer.from(await compose({})).equals(await compose({}))).toBe(true);
  });

  it('keeps every header where it belongs, whatever subject and name hold', async () => {
    const hostile = fc.string({
      unit: fc.constantFrom(
        '\r',
        '\n',
        '\0',
        ':',
        '<',
        '>',
        '"',
        ',',
        '@',
        'Bcc',
        ' ',
        'é',
        '件',
        '😀',
        '\u2028',
        '=?utf-8?q?',
        'x',
      ),
    });
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (subject, name) => {
        const mail = await PostalMime.parse(await compose({ subject: `S${subject}`, name }));
        expect(mail.headers.map(({ key }) => key).sort()).toEqual(
          [
            'auto-submitted',
            'content-language',
            'content-type',
            'date',
            'from',
            'message-id',
            'mime-version',
            'subject',
            'to',
            'x-auto-response-suppress',
          ].sort(),
        );
        expect(mail.to?.map(({ address }) => address)).toEqual(['ana@example.com']);
        expect(mail.bcc).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it.each(['Fertig: 件 – Sömmer 😀', 'x'.repeat(255), 'ダウンロードの準備ができました：'.repeat(10)])(
    'carries the subject %s',
    async (subject) => {
      expect((await PostalMime.parse(await compose({ subject }))).subject).toBe(subject);
    },
  );

  it('never reads a file or address that stands in a value', async () => {
    const html = '<img src="file:///etc/hostname"><img src="http://127.0.0.1:9/x.png">';
    const mail = await PostalMime.parse(await compose({ html }));
    expect(mail.html?.trim()).toBe(html);
    expect(mail.attachments).toEqual([]);
  });
});

describe('addresses', () => {
  it.each(['ana@example.com', "o'neill+x@example.com", 'jörg@例え.test'])('%s is one', (address) => {
    expect(isAddress(address)).toBe(true);
  });
  it.each([
    '',
    'ana',
    'a b@example.com',
    'a@b@c.test',
    'a@x.test\r\nBcc: b@x.test',
    '<a@x.test>',
    'a@x.test,b@x.test',
    `${'a'.repeat(250)}@x.test`,
  ])('%j is none', (address) => {
    expect(isAddress(address)).toBe(false);
  });
  it.each(['', 'Satchel', 'a@x.test, b@x.test'])('the sender %j is refused', (sender) => {
    expect(() => parseSender(sender)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIGURATION' }));
  });
});

describe('the key of a mail', () => {
  it('depends on order and recipient, not on the case of the address', () => {
    expect(mailKey('w1/notify', 'Ana@Example.com')).toBe(mailKey('w1/notify', 'ana@example.com'));
    const keys = [
      mailKey('w1/notify', 'ana@example.com'),
      mailKey('w2/notify', 'ana@example.com'),
      mailKey('w1/notify', 'ben@example.com'),
    ];
    expect(new Set(keys).size).toBe(3);
    expect(messageIdOf('k', from)).toBe('<k@example.com>');
  });
});
