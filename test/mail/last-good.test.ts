/** E4: the last version that rendered, of many tenants at once. */
import { describe, expect, it } from 'vitest';
import { lastGoodRoot, readLastGood, recordLastGood, type GoodVersion } from '../../activities/mail/last-good.js';
import { locateTemplate } from '../../activities/mail/template-source.js';
import { createMailWorld, type MailWorld } from './mail-world.js';

const template = 'downloadasset';

async function goodVersion(world: MailWorld, name: string): Promise<GoodVersion> {
  const tenant = await world.tenant(name);
  const wanted = { tenant, template, locale: 'en', tenantLocale: undefined };
  const located = await locateTemplate(world.session, world.overlay, wanted);
  return { tenant, template, locale: 'en', version: `version of ${name}`, located };
}

describe('the last good versions', () => {
  it('of tenants that differ in their themes have one blob, and each its own theme', async () => {
    const world = await createMailWorld();
    const names = Array.from({ length: 120 }, (_, index) => `brand${index}`);
    for (const [index, name] of names.entries()) {
      await world.session.ensureNode(world.at(`/conf/${name}`, 'theme'), {
        properties: { color: `#0000${10 + (index % 80)}` },
      });
    }
    await world.session.save();
    await world.writeFile(world.at('/conf/brand7', 'partials/title.mjml'), '<mj-section></mj-section>');
    const versions = await Promise.all(names.map((name) => goodVersion(world, name)));
    await recordLastGood(world.session, versions);

    const blobs = new Set<string>();
    for await (const node of world.session.children(`${lastGoodRoot}/${template}/en`)) {
      blobs.add(node.binary('parts')?.sha256 ?? '');
    }
    expect(blobs.size).toBe(2);
    for (const { located, ...of } of [versions[0], versions[7], versions[119]].filter((one) => one !== undefined)) {
      expect(await readLastGood(world.session, of)).toEqual(await located.read(world.session));
    }
  });

  it('are written where the version is another one, and only there', async () => {
    const world = await createMailWorld();
    await world.writeNode('/conf/one/settings', {});
    await world.writeNode('/conf/two/settings', {});
    const [one, two] = [await goodVersion(world, 'one'), await goodVersion(world, 'two')];
    await recordLastGood(world.session, [one, two]);
    const before = world.session.sequence;
    await recordLastGood(world.session, [one, two]);
    expect(world.session.sequence).toBe(before);
    await recordLastGood(world.session, [one, { ...two, version: 'the next' }]);
    expect(world.session.sequence).toBeGreaterThan(before);
    const versionOf = async (name: string) =>
      (await world.session.getNode(`${lastGoodRoot}/${template}/en/${name}`)).text('version');
    expect([await versionOf('one'), await versionOf('two')]).toEqual(['version of one', 'the next']);
  });

  it('are read from records that have the theme among the parts, as earlier ones do', async () => {
    const world = await createMailWorld();
    await world.writeNode('/conf/one/settings', {});
    const one = await goodVersion(world, 'one');
    const parts = await one.located.read(world.session);
    const text = JSON.stringify(parts, (_key, value: unknown) =>
      value instanceof Map ? { $map: [...(value as Map<unknown, unknown>)] } : value,
    );
    await world.session.ensureNode(`${lastGoodRoot}/${template}/en/one`, {
      properties: { version: 'old', parts: await world.session.createBinary(text) },
    });
    await world.session.save();
    expect(await readLastGood(world.session, one)).toEqual(parts);
    await recordLastGood(world.session, [one]);
    expect(await readLastGood(world.session, one)).toEqual(parts);
  });
});
