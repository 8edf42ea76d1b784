/** E3: text templates as AEM has them, in both shapes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../activities/mail/compile-template.js';
import { fillPlaceholders, legacyPlaceholders } from '../../activities/mail/legacy-placeholders.js';
import { parseLegacyProperties } from '../../activities/mail/legacy-properties.js';
import { isLegacyTemplate } from '../../activities/mail/legacy-template.js';
import { decodeEntities } from '../../activities/mail/html-to-text.js';
import { builtInParts, builtInTemplates, problemsOf, sampleOf, testParts } from './template-files.js';
import type { JsonObject } from '../../workflows/contract/model.js';

const rule = '-'.repeat(85);
/** In the shape of AEM's own notification templates. */
const properties = `# Sent to participants
subject=Workflow notification: \${model.title}

header=${rule}\\n \\
Step: \${item.node.title}\\n \\
User: \${participant.name} (\${participant.id})\\n \\
${rule}\\n\\n

message=Content: \${host.prefix}\${payload.path.open}\\n

footer=\\n \\
This is an automatically generated message.
`;
const headers = `From: \${initiator.email}
Subject: \${initiator.name}
 asks you
Bcc: everybody@example.com

Dear \${participant.name},
please look at \${payload.path}.

\${unknown.thing}
`;

async function workitem(text: string, change: JsonObject = {}) {
  const parts = builtInParts('workitem', 'en');
  const template = await compileTemplate({ ...parts, body: { ...parts.body, file: 'workitem/en.txt', text } });
  return template.render({ ...sampleOf('workitem'), ...change }, { now: new Date('2030-01-02T03:04:05Z') });
}

describe('property files', () => {
  const cases: readonly (readonly [text: string, name: string, value: string])[] = [
    ['subject=a', 'subject', 'a'],
    ['  subject \t = \t a b ', 'subject', 'a b '],
    ['subject: a', 'subject', 'a'],
    ['subject a', 'subject', 'a'],
    ['subject', 'subject', ''],
    ['subject==a', 'subject', '=a'],
    ['sub\\ ject=a', 'sub ject', 'a'],
    ['subject=a\\\n   b\\\r\n\tc', 'subject', 'abc'],
    ['subject=a\\\\\nmessage=b', 'subject', 'a\\'],
    ['subject=a\\nb\\tc\\qd', 'subject', 'a\nb\tcqd'],
    ['subject=Gr\\u00fc\\u00DFe 日本', 'subject', 'Grüße 日本'],
    ['\uFEFF# c\\\n!d\n\nsubject=a', 'subject', 'a'],
    ['subject=a\\', 'subject', 'a'],
  ];
  it.each(cases)('%j', (text, name, value) => {
    const found = parseLegacyProperties(text).properties[0];
    expect(found).toMatchObject({ name, value });
  });

  it('gives every text back that is written as Properties.store writes it', () => {
    const escapes: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't', '\f': 'f' };
    const store = (text: string) => text.replace(/[\\\n\r\t\f=:#! ]/g, (c) => `\\${escapes[c] ?? c}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme' }))), (pairs) => {
        const text = pairs.map(([name, value]) => `${store(name)}=${store(value)}\n`).join('');
        expect(parseLegacyProperties(text).properties.map(({ name, value }) => [name, value])).toEqual(pairs);
      }),
    );
  });

  it('says the line of an escape that is none', async () => {
    expect(await problemsOf({ body: 'subject=a\n\nmessage=b\\u00zz' })).toEqual([
      { file: 'test/en.mjml', line: 3, message: expect.stringContaining('hexadecimal') as string },
    ]);
  });
});

describe('what a text file is', () => {
  it.each([
    [properties, true],
    [headers, true],
    ['Subject: x\n\nbody', true],
    ['To: y\nSubject: x\n\nbody', true],
    ['Hello {{recipient.name}},\n\nyour download is ready.', false],
    ['Note: this\nis text', false],
    ['The subject=none', false],
    ['<mjml></mjml>', false],
    ['', false],
  ])('%#', (text, expected) => {
    expect(isLegacyTemplate(text)).toBe(expected);
  });
});

describe('mails', () => {
  it('are header, message and footer of a property file, with placeholders filled', async () => {
    const { subject, text, remarks } = await workitem(properties);
    expect(subject).toBe('Workflow notification: Review of new assets');
    expect(text).toBe(
      `${rule}\n Step: Approve the pictures\n User: Ana Moreau (ana@example.com)\n ${rule}\n\n` +
        'Content: http://localhost:8080/inbox/sample\n\n This is an automatically generated message.',
    );
    expect(remarks).toEqual([]);
  });

  it('are the body below header lines; only the subject counts, and what stands for nothing stays', async () => {
    const { subject, text, remarks } = await workitem(headers);
    expect(subject).toBe('Ben Okafor asks you');
    expect(text).toBe('Dear Ana Moreau,\nplease look at /content/dam/aurora/lookbook.\n\n${unknown.thing}\n');
    expect(remarks.map(({ file, line }) => [file, line])).toEqual([
      ['workitem/en.txt', 1],
      ['workitem/en.txt', 4],
      ['workitem/en.txt', 9],
    ]);
    expect(remarks.map(({ message }) => message).join()).toMatch(/"From".*"Bcc".*unknown\.thing/);
  });

  it('have an HTML part that shows the same text, with its links', async () => {
    const { html, text } = await workitem(properties);
    const [, shown = ''] = /<div class="text">([\s\S]*)<\/div>/.exec(html) ?? [];
    expect(decodeEntities(shown.replace(/<[^>]*>/g, ''))).toBe(text);
    expect(html).toContain('<a href="http://localhost:8080/inbox/sample">');
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
  });

  it('take a subject node in place of their own subject', async () => {
    const parts = { ...testParts({ body: 'subject=a\nmessage=b', subject: '{{t}}!' }) };
    const mail = (await compileTemplate(parts)).render({ t: '<x>\r\nBcc: y' });
    expect(mail).toMatchObject({ subject: '<x> Bcc: y!', text: 'b' });
  });

  it('need a subject and a message', async () => {
    expect(await problemsOf({ body: 'header=\nmessage=b' })).toMatchObject([
      { message: 'The template has no subject.' },
    ]);
    expect(await problemsOf({ body: 'Subject: x\n\n \n' })).toMatchObject([
      { message: 'The template has no message.' },
    ]);
    expect(await problemsOf({ body: 'subject=${t}\nmessage=b' }, { t: '\r\n' })).toMatchObject([
      { message: expect.stringContaining('subject is empty') as string },
    ]);
  });

  it('fill our own variables by their path, show dates as people read them, and leave $${…} as text', () => {
    const variables = { a: { b: [{ c: 'x' }] }, d: '2030-06-14T16:00:00.000Z', e: null, n: 7, list: [] };
    const fill = (text: string) =>
      fillPlaceholders(text, { variables, locale: 'en', timeZone: 'Europe/Zurich', now: new Date(0) });
    expect(fill('${a.b.0.c} ${e} ${n} $${n} ${a}${list}').text).toBe('x  7 ${n} ${a}${list}');
    expect(fill('${d}').text).toContain('6:00');
    expect(fill('${constructor} ${a.constructor} ${a.__proto__} ${toString}').unknown).toHaveLength(4);
    expect(fill('${ a } ${} ${a').text).toBe('${ a } ${} ${a');
  });

  it.each(builtInTemplates)(
    'fill every documented placeholder that %s can have, and no value is filled again',
    (template) => {
      const names = Object.keys(legacyPlaceholders);
      const context = {
        variables: sampleOf(template),
        locale: 'en',
        timeZone: 'UTC',
        now: new Date(0),
        host: 'https://dam.example.com',
      };
      const { text, unknown } = fillPlaceholders(names.map((name) => `\${${name}}`).join('\n'), context);
      for (const name of ['host.prefix', 'participant.name', 'participant.email']) expect(unknown).not.toContain(name);
      expect(text.match(/\$\{/g)?.length ?? 0).toBe(unknown.length);
      const hostile = fillPlaceholders('${participant.name}', {
        ...context,
        variables: { recipient: { name: '${participant.email}', address: 'x' } },
      });
      expect(hostile.text).toBe('${participant.email}');
    },
  );
});

describe('hostile values', () => {
  it('stay text in the HTML, and one line in the subject', async () => {
    const units = [
      '<',
      '>',
      '"',
      "'",
      '&',
      '${',
      '}',
      '\r\n',
      'Bcc: a@b.c',
      'http://x',
      'javascript:',
      ' on=',
      '\u2028',
      '\0',
    ];
    const parts = testParts({ body: 'Subject: S ${name}\n\nA ${name} Z' });
    const template = await compileTemplate(parts);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...units, 'a', ' ') }), (name) => {
        const { subject, html } = template.render({ name });
        expect(subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        const [, shown = ''] = /<div class="text">([\s\S]*)<\/div>/.exec(html) ?? [];
        expect(shown.replace(/<a href="https?:[^"<>]*">|<\/a>/g, '')).not.toMatch(/[<>]/);
        expect(html.match(/<script|<img|="javascript:/i)).toBeNull();
      }),
    );
  });

  it('make no style of a theme', async () => {
    const theme = {
      color: '#000000',
      background: 'red;} body{background:url(https://x)',
      fontFamily: 'x;}</style><script>',
    };
    const { html } = (await compileTemplate(testParts({ body: 'subject=a\nmessage=b', theme }))).render({});
    expect(html).not.toMatch(/url\(|<script|red;/);
  });

  it('end before they make too long a mail', async () => {
    const body = `subject=a\nmessage=${'${t}'.repeat(100)}`;
    expect((await problemsOf({ body }, { t: 'x'.repeat(10_000) }))[0]?.message).toMatch(/at most 262144 are sent/);
  });
});
