/** Making tenants and looking at them. */
import { describe, expect, it } from 'vitest';
import { settingsRule } from '../../dam/settings/check-settings.js';
import { createSettings } from '../../dam/settings/settings.js';
import { createTenant, type NewTenant } from '../../dam/tenants/create-tenant.js';
import { describeTenant, findTenants } from '../../dam/tenants/list-tenants.js';
import { deny, grant, setPolicy } from '../../repository/access/policy.js';
import type { Repository, Session } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { addMember, createUser } from '../../repository/users.js';
import { backends, collect, openFor, sessionOf } from '../repository/world.js';

const folder = { primaryType: 'sling:OrderedFolder' } as const;

async function open(backend: () => Promise<Repository>) {
  const repository = await openFor(backend);
  const session = await sessionOf(repository);
  for (const path of ['/content/dam/aurora', '/content/dam/other', '/conf/global', '/apps', '/libs', '/var']) {
    await session.ensureNode(path, folder, folder.primaryType);
  }
  await session.save();
  repository.indexer.start((error) => {
    throw error;
  });
  const overlay = createOverlayResolver({ repository });
  return { repository, session, overlay, settings: createSettings({ overlay }) };
}

const create = async (session: Session, tenant: NewTenant) => {
  const created = await createTenant(session, tenant);
  await session.save();
  return created;
};

describe.each(Object.entries(backends))('a tenant on %s', (_, backend) => {
  const opened = async () => open(() => backend({ contentRules: [settingsRule] }));

  it('is made with settings, groups and content, below another one too, and is shown as that', async () => {
    const { session, overlay, settings } = await opened();
    await create(session, { name: 'emea', title: 'Europe', locale: 'de' });
    expect(
      await create(session, {
        name: 'emea/aurora',
        title: 'Aurora',
        group: 'aurora-team',
        adminGroup: 'aurora-admins',
        content: ['/content/dam/aurora', '/content/dam/new/deep', '/content/dam/aurora'],
        createFolders: true,
      }),
    ).toEqual({
      name: 'emea/aurora',
      root: '/conf/emea/aurora',
      createdGroups: ['aurora-team', 'aurora-admins'],
      createdFolders: ['/content/dam/new/deep'],
      contentRoots: ['/content/dam/aurora', '/content/dam/new/deep'],
    });
    expect((await session.getNode('/home/groups/aurora-team')).texts('rep:members')).toEqual([]);
    await session.ensureNode('/conf/emea/aurora/settings/dam/download', { properties: { maxAssets: 7, maxAsets: 8 } });
    await session.ensureNode('/content/dam/other/below', { properties: { 'cq:conf': '/conf/emea/aurora' } });
    await session.ensureNode('/content/dam/other/relative', { properties: { 'sling:configRef': '/conf/emea/gone' } });
    await session.save();

    expect((await collect(findTenants(session))).map(({ name }) => name)).toEqual(['global', 'emea', 'emea/aurora']);
    const tenant = await overlay.tenantOf(session, '/content/dam/new/deep/asset.jpg');
    expect(await describeTenant(session, { overlay, settings }, tenant)).toEqual({
      name: 'emea/aurora',
      root: '/conf/emea/aurora',
      title: 'Aurora',
      // Inherited from its parent.
      locale: 'de',
      group: 'aurora-team',
      adminGroup: 'aurora-admins',
      contentRoots: ['/content/dam/aurora', '/content/dam/new/deep', '/content/dam/other/below'],
      moreContentRoots: false,
      overrides: [
        { setting: 'dam/download/maxAssets', value: 7, source: '/conf/emea/aurora/settings/dam/download' },
        { setting: 'tenant/jcr:title', value: 'Aurora', source: '/conf/emea/aurora/settings/tenant' },
        { setting: 'tenant/group', value: 'aurora-team', source: '/conf/emea/aurora/settings/tenant' },
        { setting: 'tenant/adminGroup', value: 'aurora-admins', source: '/conf/emea/aurora/settings/tenant' },
      ],
      unknown: [
        {
          source: '/conf/emea/aurora/settings/dam/download',
          property: 'maxAsets',
          problem: 'is no setting of dam/download; did you mean "maxAssets"?',
        },
      ],
    });
    // A reference to a root that is gone belongs to the parent that is there, as everywhere.
    const parent = await describeTenant(session, { overlay, settings }, await overlay.tenant(session, 'emea'));
    expect(parent.contentRoots).toEqual(['/content/dam/other/relative']);
  });

  it('keeps groups that are there, and refers from jcr:content where there is one', async () => {
    const { session, overlay } = await opened();
    await session.addNode('/content/dam/aurora/jcr:content', { properties: { 'jcr:title': 'Aurora' } });
    await session.save();
    const { createdGroups } = await create(session, {
      name: 'aurora',
      group: 'dam-users',
      content: ['/content/dam/aurora'],
    });
    expect(createdGroups).toEqual([]);
    expect((await session.getNode('/content/dam/aurora/jcr:content')).text('sling:configRef')).toBe('/conf/aurora');
    expect((await overlay.tenantOf(session, '/content/dam/aurora/x')).name).toBe('aurora');
  });

  it.each<[string, Partial<NewTenant>, string, RegExp]>([
    ['the name of everybody', { name: 'global' }, 'INVALID_REQUEST', /is the one of everybody/],
    ['a name that leads elsewhere', { name: '../libs' }, 'INVALID_REQUEST', /dot segment/],
    ['a name with settings', { name: 'emea/settings' }, 'INVALID_REQUEST', /below tenants/],
    ['a name with a prefix', { name: 'sling:configs' }, 'INVALID_REQUEST', /letters, digits/],
    ['an empty name', { name: '' }, 'INVALID_REQUEST', /is empty/],
    ['a deep name', { name: 'a/b/c/d/e/f' }, 'INVALID_REQUEST', /5 levels/],
    ['a language that is none', { locale: 'klingon!' }, 'INVALID_REQUEST', /^locale must be a language tag/],
    ['a group that cannot be', { group: 'a/b' }, 'INVALID_REQUEST', /^group holds/],
    ['a group with the id of a user', { group: 'ada' }, 'ITEM_EXISTS', /ada/],
    ['content that is missing', { content: ['/content/dam/nowhere'] }, 'PATH_NOT_FOUND', /"\/content\/dam\/nowhere"/],
    ['content that is none', { content: ['/conf/other'] }, 'INVALID_REQUEST', /not below \/content/],
    ['content of another tenant', { content: ['/content/dam/taken'] }, 'INVALID_REQUEST', /belongs to \/conf\/other/],
    ['a tenant that is there', { name: 'other' }, 'INVALID_REQUEST', /already/],
  ])('is refused for %s, and nothing is left of it', async (_title, wrong, code, message) => {
    const { repository, session } = await opened();
    await createUser(session, { id: 'ada' });
    await create(session, { name: 'other', content: ['/content/dam/other'] });
    await session.ensureNode('/content/dam/taken', { properties: { 'cq:conf': '/conf/other' } }, folder.primaryType);
    await session.save();
    const head = await repository.head();
    const wanted = { name: 'aurora', group: 'new-team', content: ['/content/dam/aurora'], ...wrong };
    const refused = await create(session, wanted).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code, message: expect.stringMatching(message) as string });
    await session.refresh();
    expect(await repository.head()).toBe(head);
  });

  it('may be made of content below another tenant’s, as the nearest reference counts', async () => {
    const { session, overlay } = await opened();
    await create(session, { name: 'outer', content: ['/content/dam'] });
    await create(session, { name: 'inner', content: ['/content/dam/aurora'] });
    expect((await overlay.tenantOf(session, '/content/dam/aurora/x')).name).toBe('inner');
    expect((await overlay.tenantOf(session, '/content/dam/other')).name).toBe('outer');
  });

  it('is changed by its administrators, who may change nothing else', async () => {
    const { repository, session } = await opened();
    await createUser(session, { id: 'ada' });
    for (const name of ['aurora', 'aurora-two', 'other']) {
      await create(session, { name, adminGroup: `${name}-admins`, content: [] });
    }
    await addMember(session, 'aurora-admins', 'ada');
    await session.save();

    const ada = await sessionOf(repository, 'ada');
    await ada.ensureNode('/conf/aurora/settings/dam/download', { properties: { maxAssets: 3 } });
    await ada.setProperties('/conf/aurora/settings/tenant', { locale: 'fr' });
    await ada.save();
    await ada.remove('/conf/aurora/settings/dam/download');
    await ada.save();
    await ada.ensureNode('/conf/aurora/settings/dam/download', { properties: { maxAssets: 'many' } });
    await expect(ada.save()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATION' });
    await ada.refresh();

    const attempts: Record<string, () => Promise<unknown>> = {
      'another tenant': () => ada.addNode('/conf/other/settings/dam'),
      'the settings of another tenant': () => ada.setProperties('/conf/other/settings/tenant', { locale: 'fr' }),
      'a tenant with a longer name': () => ada.addNode('/conf/aurora-two/x'),
      'what holds for everybody': () => ada.addNode('/conf/global/x'),
      'the deployment': () => ada.addNode('/apps/settings'),
      'the product': () => ada.addNode('/libs/settings'),
      'a new tenant': () => ada.addNode('/conf/new'),
      content: () => ada.addNode('/content/dam/aurora/x'),
      'the reference of content': () => ada.setProperties('/content/dam/aurora', { 'sling:configRef': '/conf/aurora' }),
      records: () => ada.addNode('/var/x'),
      groups: () => ada.setProperties('/home/groups/aurora-admins', { 'rep:members': ['ada', 'eve'] }),
      'its own root': () => ada.remove('/conf/aurora'),
      'the place of its root': () => ada.move('/conf/aurora', '/conf/elsewhere'),
      'its own rights': () => grant(ada, '/conf/aurora', 'ada', ['jcr:all']),
      'the rights of others': () => deny(ada, '/conf/aurora/settings', 'administrators', ['jcr:all']),
      'the policy': () => setPolicy(ada, '/conf/aurora', []),
      'the policy as a node': () => ada.addNode('/conf/aurora/settings/rep:policy', { primaryType: 'rep:ACL' }),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      const outcome = await attempt()
        .then(() => ada.save())
        .then(
          () => 'was allowed',
          (error: unknown) => (error as { code: string }).code,
        );
      expect([what, outcome]).toEqual([what, expect.stringMatching(/^(ACCESS_DENIED|PATH_NOT_FOUND)$/)]);
      await ada.refresh();
    }
  });
});
