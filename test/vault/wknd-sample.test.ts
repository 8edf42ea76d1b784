import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { RepositoryNode } from '../../repository/api.js';
import { installPackage } from '../../repository/vault/install.js';
import { openZip } from '../../repository/vault/zip-reader.js';
import { namesOf, openEmbedded, openFor, sessionOf, temporaryFolder } from '../repository/world.js';

const samples = process.env['SATCHEL_SAMPLES'] ?? fileURLToPath(new URL('../../../shared/content/', import.meta.url));
const file = join(samples, 'wknd-sample-assets-1.0.zip');

it.skipIf(!existsSync(file))(`installs the WKND sample assets (C5; needs ${file})`, async () => {
  const folder = await temporaryFolder();
  const session = await sessionOf(await openFor(() => openEmbedded(folder)));
  const report = await installPackage({ session, file });
  expect(report).toMatchObject({ group: 'samples', name: 'wknd-sample-assets', version: '1.0', removed: [] });

  const originals = new Map<string, string>();
  const assets: RepositoryNode[] = [];
  for await (const node of session.descendants('/content/dam')) {
    if (node.primaryType === 'dam:Asset') assets.push(node);
    const data = node.path.endsWith('/renditions/original/jcr:content') ? node.binary('jcr:data') : undefined;
    if (data) originals.set(node.path, data.sha256);
  }
  // 19 files and 8 content fragments, which are assets without an original.
  expect(assets).toHaveLength(27);
  expect(originals.size).toBe(19);

  const zip = await openZip(file);
  try {
    const packed = zip.entries.filter(({ name }) => name.endsWith('/_jcr_content/renditions/original'));
    expect(packed).toHaveLength(19);
    for (const entry of packed) {
      const hash = createHash('sha256');
      for await (const chunk of entry.open()) hash.update(chunk);
      const path = `${entry.name.slice('jcr_root'.length).replace('_jcr_content', 'jcr:content')}/jcr:content`;
      expect(originals.get(path)).toBe(hash.digest('hex'));
    }
  } finally {
    zip.close();
  }

  const root = '/content/dam/wknd-shared';
  const content = await session.getNode(`${root}/jcr:content`);
  expect(content.text('cq:conf')).toBe('/conf/wknd-shared');
  expect((await session.getNode(root)).primaryType).toBe('sling:OrderedFolder');
  expect(await namesOf(session.children(root))).toEqual(['jcr:content', 'en']);
  const photo = `${root}/en/magazine/la-skateparks/stacey-roswells.jpg`;
  expect((await session.getNode(photo)).identifier).toBe('7c2c9e9e-87fa-4a95-b159-466d59d77234');
  const metadata = await session.getNode(`${photo}/jcr:content/metadata`);
  expect(metadata.property('dam:predictedColors')).toEqual({
    type: 'Long',
    multiple: true,
    values: [14083, 5011, 10006],
  });
  expect(metadata.property('dc:modified')).toEqual({
    type: 'Date',
    multiple: false,
    values: ['2019-09-17T21:00:37.303-07:00'],
  });
  expect((await session.getNode(`${photo}/jcr:content/metadata/imageFeatures`)).binary('haystack0')?.size).toBe(8192);

  const head = session.sequence;
  expect(await installPackage({ session, file })).toMatchObject({ changed: 0 });
  expect(session.sequence).toBe(head);
});
