/** `$[env:…]` and `$[secret:…]` in OSGi configurations, as Felix's interpolation plugin and AEM as a Cloud Service have them. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { mailServerOf } from '../../engine/osgi-mail-service.js';
import { OsgiProperties, type OsgiProperty } from '../../repository/osgi/configuration.js';
import { parseConfigurationJson } from '../../repository/osgi/parse-configuration-json.js';
import { replacePlaceholders, type PlaceholderSource } from '../../repository/osgi/placeholders.js';
import { createCommandWorld } from '../cli/command-world.js';
import { downloadServlet, putFile } from './osgi-world.js';
import { someProperties } from './some-properties.js';

const known: Readonly<Record<string, string>> = {
  'env:HOST': 'smtp.example.com',
  'env:PORT': '2525',
  'env:LIST': 'a,b',
  'env:EMPTY': '',
  'env:NESTED': '$[env:HOST]',
  'secret:password': 'geheim',
};
const source: PlaceholderSource = {
  find: (kind, name) => {
    const text = known[`${kind}:${name}`];
    return text === undefined ? { missing: 'is not set' } : { text };
  },
};

function replaced(written: unknown): OsgiProperty | undefined {
  const properties = parseConfigurationJson(JSON.stringify({ value: written }), 'a.cfg.json');
  return replacePlaceholders(properties, source).get('value');
}

describe('a placeholder', () => {
  const cases: readonly (readonly [rule: string, written: unknown, values: readonly unknown[], type?: string])[] = [
    ['stands for the variable', '$[env:HOST]', ['smtp.example.com']],
    [
      'stands among other text, and more than one',
      'smtp://$[env:HOST]:$[env:PORT]/',
      ['smtp://smtp.example.com:2525/'],
    ],
    ['takes its default where there is none', '$[env:NONE;default=localhost]', ['localhost']],
    ['takes the variable rather than its default', '$[env:HOST;default=localhost]', ['smtp.example.com']],
    ['may have an empty default', '$[env:NONE;default=]', ['']],
    ['may be empty', '$[env:EMPTY;default=x]', ['']],
    ['has the type it names', '$[env:PORT;type=Integer]', [2525], 'Integer'],
    ['has one of Java’s primitive types', '$[env:PORT;type=int]', [2525], 'Integer'],
    ['has a default of its type', '$[env:NONE;type=Boolean;default=true]', [true], 'Boolean'],
    ['is a list', '$[env:LIST;type=String[]]', ['a', 'b'], 'String'],
    ['is a list with its own delimiter', '$[env:NONE;type=Long[];delimiter=|;default=1|2]', [1, 2], 'Long'],
    ['is replaced in every value of a list', ['$[env:HOST]', 'b'], ['smtp.example.com', 'b']],
    ['is not looked for in what it stands for', '$[env:NESTED]', ['$[env:HOST]']],
    ['stands for itself behind a backslash', '\\$[env:HOST] $[env:PORT]', ['$[env:HOST] 2525']],
    ['is a secret', '$[secret:password]', ['geheim']],
  ];
  it.each(cases)('%s: %j', (_rule, written, values, type = 'String') => {
    expect(replaced(written)).toMatchObject({ values, type });
    expect(replaced(written)?.problem).toBeUndefined();
  });

  it.each([
    ['$[env:NONE]', /variable NONE is not set/],
    ['a $[env:NONE] b', /variable NONE is not set/],
    ['$[prop:launcher.home]', /"prop", and only env and secret are known/],
    ['$[env:HOST;type=Integer]', /is no Integer/],
    ['$[env:HOST;type=Url]', /type "url" is none of String, Integer/],
  ])('stays as it is where nothing stands for it, and says why: %s', (written, problem) => {
    expect(replaced(written)).toMatchObject({ values: [written], problem: expect.stringMatching(problem) as string });
  });

  it('marks what is secret, and nothing else', () => {
    expect(replaced('x $[secret:password]')?.isSecret).toBe(true);
    expect(replaced('$[secret:none;default=x]')?.isSecret).toBe(true);
    expect(replaced('$[env:HOST]')?.isSecret).toBeUndefined();
  });

  it('leaves properties without placeholders alone, whatever they hold', () => {
    fc.assert(
      fc.property(someProperties, (written) => {
        const properties = new OsgiProperties();
        for (const property of written) properties.add({ ...property, line: 1 });
        expect([...replacePlaceholders(properties, source)]).toEqual([...properties]);
      }),
    );
  });
});

describe('a deployment', () => {
  const mailService = 'com.day.cq.mailer.DefaultMailService';
  const mailFile = `/apps/portal/config/${mailService}.cfg.json`;
  const limitFile = `/apps/portal/config/${downloadServlet}.cfg.json`;
  const limit = (text: string) => JSON.stringify({ 'asset.download.prezip.maxcontentsize': text });

  async function open(configuration: object = {}) {
    let folder = '';
    const world = await createCommandWorld(async (root) => {
      folder = path.join(root, 'data');
      await mkdir(path.join(folder, 'secrets'), { recursive: true });
      await writeFile(path.join(folder, 'secrets', 'smtp-password'), 'geheim\n');
      await writeFile(path.join(root, 'outside'), 'not for you');
      await writeFile(path.join(folder, 'satchel.json'), JSON.stringify(configuration));
    });
    onTestFinished(() => world.close());
    return { ...world, secretsFolder: path.join(folder, 'secrets') };
  }

  it('sets a limit and the mail server by what it names, and shows no secret', async () => {
    vi.stubEnv('SMTP_HOST', 'smtp.portal.example');
    vi.stubEnv('LIMIT', '4096');
    onTestFinished(() => void vi.unstubAllEnvs());
    const world = await open({ osgi: { env: ['SMTP_HOST', 'LIMIT'], secrets: 'secrets' } });
    const { repository, osgi } = world.satchel;
    await putFile(repository, limitFile, limit('$[env:LIMIT;type=Long]'));
    await putFile(
      repository,
      mailFile,
      JSON.stringify({
        'smtp.host': '$[env:SMTP_HOST]',
        'smtp.port': '$[env:SMTP_PORT;default=587]',
        'smtp.user': 'dam-$[secret:smtp-password]',
        'smtp.password': '$[secret:smtp-password]',
      }),
    );
    expect(await osgi.settingValue('dam/download/maxBytes')).toEqual({ values: [4096], source: limitFile });
    const active = await osgi.active(mailService);
    expect(mailServerOf(active?.properties ?? new OsgiProperties())).toMatchObject({
      host: 'smtp.portal.example',
      port: 587,
      user: 'dam-geheim',
      password: 'geheim',
    });
    const { stdout } = await world.run('osgi', 'show', mailService);
    expect(stdout).toContain('smtp.portal.example');
    expect(stdout).not.toContain('geheim');
    // What is remembered over restarts holds the placeholder, not the secret.
    expect((await world.run('tree', '/var', '--depth', '9')).stdout).not.toContain('geheim');
    for await (const node of (await repository.login('admin')).descendants('/var')) {
      expect(JSON.stringify([...node.properties])).not.toContain('geheim');
    }
  });

  it('gives content no variable that it does not name, and no file outside of its folder', async () => {
    vi.stubEnv('PRIVATE', 'not for you');
    onTestFinished(() => void vi.unstubAllEnvs());
    const world = await open({ osgi: { env: ['LIMIT'], secrets: 'secrets' } });
    const { repository } = world.satchel;
    const problemOf = async (text: string) => {
      await putFile(repository, limitFile, limit(text));
      const { document } = await world.json('osgi', 'show', downloadServlet);
      expect(JSON.stringify(document)).not.toContain('not for you');
      return (document as { configurations: { problems: { message: string }[] }[] }).configurations[0]?.problems[0]
        ?.message;
    };
    expect(await problemOf('$[env:PRIVATE]')).toBe(
      '"asset.download.prezip.maxcontentsize": the variable PRIVATE is not among those of osgi.env',
    );
    expect(await problemOf('$[env:LIMIT]')).toContain('LIMIT is not set');
    expect(await problemOf('$[secret:../../outside]')).toContain('no name for a secret');
    expect(await problemOf('$[secret:..]')).toContain('no name for a secret');
    expect(await problemOf('$[secret:none]')).toContain('is not in the folder osgi.secrets');
    expect(await problemOf('$[secret:smtp-password]')).toBe(
      '"asset.download.prezip.maxcontentsize" has a secret for its value that cannot be one',
    );
    expect(await problemOf('$[env:PRIVATE;default=5]')).toBeUndefined();
    expect((await world.satchel.osgi.settingValue('dam/download/maxBytes'))?.values).toEqual(['5']);
  });

  it('keeps what means nothing here as it is, without a word', async () => {
    const world = await open();
    await putFile(world.satchel.repository, '/apps/portal/config/com.example.Other.cfg.json', '{"a": "$[env:ANY]"}');
    const [other] = await world.satchel.osgi.all();
    expect(other).toMatchObject({ pid: 'com.example.Other', state: 'active', problems: [] });
    expect(other?.properties?.get('a')?.values).toEqual(['$[env:ANY]']);
  });
});
