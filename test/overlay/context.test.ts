import { describe, expect, it } from 'vitest';
import { findTenants, readReferences, referencedTenants } from '../../repository/overlay/context.js';
import { settingsLayers, tenantAt } from '../../repository/overlay/layers.js';
import { backends, openFor, sessionOf } from '../repository/world.js';

describe('the tenant that references name (C4)', () => {
  it.each<[rule: string, references: string[], nearest: string | undefined]>([
    ['the nearest counts', ['/conf/aurora', '/conf/other'], '/conf/aurora'],
    ['none names none', [], undefined],
    ['a tenant may lie deeper', ['/conf/emea/aurora'], '/conf/emea/aurora'],
    ['outside /conf it is ignored', ['/content/x', '/conf/other'], '/conf/other'],
    ['/conf itself is no tenant', ['/conf', '/conf/'], undefined],
    ['a prefix of the name is not below', ['/config/x'], undefined],
    ['climbing out is ignored', ['/conf/../etc', '/conf/a/../../x'], undefined],
    ['dots are resolved', ['/conf/a/./b/../c/'], '/conf/a/c'],
    ['relative: below the nearest absolute one', ['aurora', '/conf/emea', '/conf/other'], '/conf/emea/aurora'],
    ['relative over relative: the nearest absolute one', ['aurora', 'ignored', '/conf/emea'], '/conf/emea/aurora'],
    ['relative without an absolute one is ignored', ['aurora'], undefined],
    ['relative passes over an absolute one that is ignored', ['aurora', '/etc', '/conf/emea'], '/conf/emea/aurora'],
    ['relative may climb inside /conf', ['../apac', '/conf/emea'], '/conf/apac'],
    ['relative may not climb out', ['../../etc', '/conf/emea'], '/conf/emea'],
    ['a name that is none is ignored', ['/conf/a*b', '/conf/other'], '/conf/other'],
  ])('%s', (_rule, values, nearest) => {
    expect(referencedTenants(values.map((value, index) => ({ path: `/${index}`, value })))[0]?.root).toBe(nearest);
  });

  it('says where it was found', () => {
    expect(referencedTenants([{ path: '/content/dam/aurora', value: '/conf/aurora' }])).toEqual([
      { name: 'aurora', root: '/conf/aurora', referencedAt: '/content/dam/aurora' },
    ]);
  });
});

describe('references of content (C4)', () => {
  it('are read upward: on the node or its jcr:content, sling:configRef before cq:conf', async () => {
    const open = backends['memory'];
    if (!open) throw new Error('there is no memory backend');
    const session = await sessionOf(await openFor(open));
    await session.ensureNode('/content/dam/a/b/c');
    await session.setProperties('/content', { 'cq:conf': '/conf/top' });
    await session.ensureNode('/content/dam/jcr:content', { properties: { 'cq:conf': '/conf/dam' } });
    await session.setProperties('/content/dam/a', { 'cq:conf': '/conf/classic' });
    await session.ensureNode('/content/dam/a/jcr:content', { properties: { 'sling:configRef': '/conf/modern' } });
    await session.setProperties('/content/dam/a/b', { 'sling:configRef': '' });
    await session.save();
    const ofDam = [
      { path: '/content/dam', value: '/conf/dam' },
      { path: '/content', value: '/conf/top' },
    ];
    const ofA = [{ path: '/content/dam/a', value: '/conf/modern' }, ...ofDam];
    expect(await readReferences(session, ['/content/dam/a/b/c/not/there', '/', '/content/dam/x'])).toEqual([
      ofA,
      [],
      ofDam,
    ]);
    await expect(readReferences(session, ['/content', 'relative'])).rejects.toMatchObject({ code: 'INVALID_PATH' });
  });
});

describe('the tenant of content (C4)', () => {
  it.each<[rule: string, existing: string[], root: string]>([
    ['the nearest that exists', ['/conf/top', '/conf/emea/aurora'], '/conf/emea/aurora'],
    ['the parent of one that does not exist', ['/conf/top', '/conf/emea'], '/conf/emea'],
    ['the next one where nothing of it exists', ['/conf/top'], '/conf/top'],
    ['global where nothing exists', [], '/conf/global'],
  ])('is %s', async (_rule, existing, root) => {
    const open = backends['memory'];
    if (!open) throw new Error('there is no memory backend');
    const session = await sessionOf(await openFor(open));
    await session.ensureNode('/content/site/page');
    await session.setProperties('/content', { 'sling:configRef': '/conf/top' });
    await session.setProperties('/content/site', { 'sling:configRef': '/conf/emea/aurora' });
    for (const path of existing) await session.ensureNode(path);
    await session.save();
    const [above, nearest] = await findTenants(session, ['/content', '/content/site/page']);
    expect(nearest?.root).toBe(root);
    expect(above?.root).toBe(existing.includes('/conf/top') ? '/conf/top' : '/conf/global');
  });
});

describe('layers of settings (C4)', () => {
  it.each<[root: string, labels: string[]]>([
    ['/conf/aurora', ['/conf/aurora', '/conf/global', '/apps', '/libs']],
    ['/conf/emea/de/aurora', ['/conf/emea/de/aurora', '/conf/emea/de', '/conf/emea', '/conf/global', '/apps', '/libs']],
    ['/conf/global', ['/conf/global', '/apps', '/libs']],
  ])('of %s', (root, labels) => {
    expect(settingsLayers(tenantAt(root, undefined))).toEqual(
      labels.map((label) => ({ label, root: `${label}/settings` })),
    );
  });
});
