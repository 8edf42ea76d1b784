import { createWriteStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { valuesForModel } from './random-content.js';
import { nameProblem } from '../../repository/path.js';
import { formatDocViewValue, parseDocViewValue } from '../../repository/vault/docview-value.js';
import type { FilterSet } from '../../repository/vault/filter.js';
import { installPackage } from '../../repository/vault/install.js';
import { createPattern } from '../../repository/vault/pattern.js';
import {
  decodePlatformName,
  decodeXmlName,
  encodePlatformName,
  encodeWholePlatformName,
  encodeXmlName,
} from '../../repository/vault/platform-name.js';
import { writeContent } from '../../repository/vault/write-content.js';
import { writePackage } from '../../repository/vault/write-package.js';
import { openZip } from '../../repository/vault/zip-reader.js';
import { backends, openFor, sessionOf, temporaryFolder } from '../repository/world.js';
import { contentOf, randomName, randomTree, writeTree } from './random-content.js';

const samples = process.env['SATCHEL_SAMPLES'] ?? fileURLToPath(new URL('../../../shared/content/', import.meta.url));
const sample = join(samples, 'wknd-sample-assets-1.0.zip');

const id = { group: 'tests', name: 'export', version: '1.0' };
const filterOf = (root: string, more: Partial<FilterSet> = {}): FilterSet => ({
  root,
  mode: 'replace',
  nodeRules: [],
  propertyRules: [],
  ...more,
});

async function open(backend = 'memory'): Promise<Session> {
  const opened = backends[backend];
  if (!opened) throw new Error(`there is no ${backend} backend`);
  return sessionOf(await openFor(opened));
}

async function exported(session: Session, filters: readonly FilterSet[], documentBytes?: number): Promise<string> {
  const file = join(await temporaryFolder(), 'export.zip');
  const options = { session, id, filters, properties: { acHandling: 'overwrite' } };
  const source = writePackage({ ...options, ...(documentBytes !== undefined && { documentBytes }) });
  await pipeline(Readable.from(source, { objectMode: false }), createWriteStream(file));
  return file;
}

const entriesOf = async (file: string) => {
  const zip = await openZip(file);
  zip.close();
  return zip.entries.map(({ name }) => name);
};

describe('names', () => {
  it.each([
    // FileVault: PlatformNameFormat.
    ['test.jpg', 'test.jpg'],
    ['cq:content', '_cq_content'],
    ['cq:test_image.jpg', '_cq_test_image.jpg'],
    ['_testimage.jpg', '_testimage.jpg'],
    ['_test_image.jpg', '__test_image.jpg'],
    ['cq_:test.jpg', 'cq_%3atest.jpg'],
    ['100%', '100%25'],
    ['.content.xml', '%2econtent.xml'],
    ['x.dir', 'x%2edir'],
    ['x.binary', 'x%2ebinary'],
  ])('%s is the file %s', (name, file) => {
    expect(encodePlatformName(name)).toBe(file);
    expect(decodePlatformName(file)).toBe(name);
  });

  it.each([
    ['1st', '_x0031_st'],
    ['a b:c d', 'a_x0020_b:c_x0020_d'],
    ['_x0031_', '_x005f_x0031_'],
    ['xmlns:a', '_x0078_mlns:a'],
    ['jcr:content', 'jcr:content'],
  ])('%s is the element %s', (name, element) => {
    expect(encodeXmlName(name)).toBe(element);
    expect(decodeXmlName(element)).toBe(name);
  });

  it('are read back, whatever they are', () => {
    fc.assert(
      fc.property(randomName, (name) => {
        expect(nameProblem(name)).toBeUndefined();
        expect(decodePlatformName(encodePlatformName(name))).toBe(name);
        expect(decodePlatformName(encodeWholePlatformName(name))).toBe(name);
        expect(decodeXmlName(encodeXmlName(name))).toBe(name);
        expect(encodePlatformName(name)).not.toMatch(/^\.content|\.(?:dir|binary)$|[\\<>"?*|]/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('values', () => {
  it('are read back, of every type', () => {
    fc.assert(
      fc.property(valuesForModel, (property) => {
        expect(parseDocViewValue('p', formatDocViewValue('p', property))).toEqual(property);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('an exported package', () => {
  it('has the layout of FileVault, and the same bytes each time', async () => {
    const session = await open();
    await session.ensureNode('/content/site', { primaryType: 'sling:OrderedFolder' }, 'sling:Folder');
    await session.addNode('/content/site/page', { primaryType: 'cq:Page' });
    await session.addNode('/content/site/page/jcr:content', { properties: { 'jcr:title': 'Tom & "Jerry"\n<x>' } });
    await session.addNode('/content/site/page/jcr:content/a', { properties: { n: 7, names: ['x,y', '[z'] } });
    await session.addNode('/content/site/f.txt', { primaryType: 'nt:file' });
    await session.addNode('/content/site/f.txt/jcr:content', {
      primaryType: 'nt:resource',
      properties: { 'jcr:data': await session.createBinary('text'), 'jcr:mimeType': 'text/plain' },
    });
    await session.save();
    const file = await exported(session, [filterOf('/content/site')]);
    const told: string[] = [];
    for await (const _file of writeContent({
      session,
      filters: [filterOf('/content/site')],
      onNode: (path) => told.push(path),
    }));
    expect(told.sort()).toEqual([...(await contentOf(session, '/content/site')).keys()].sort());
    expect(await entriesOf(file)).toEqual([
      'META-INF/MANIFEST.MF',
      'META-INF/vault/properties.xml',
      'META-INF/vault/filter.xml',
      'jcr_root/content/.content.xml',
      'jcr_root/content/site/.content.xml',
      'jcr_root/content/site/page/.content.xml',
      'jcr_root/content/site/f.txt',
      'jcr_root/content/site/f.txt.dir/.content.xml',
    ]);
    const zip = await openZip(file);
    const page = zip.entries.find(({ name }) => name.endsWith('page/.content.xml'));
    const chunks: Uint8Array[] = [];
    for await (const chunk of page?.open() ?? []) chunks.push(chunk);
    zip.close();
    expect(Buffer.concat(chunks).toString()).toMatch(
      new RegExp(
        [
          '^<\\?xml version="1.0" encoding="UTF-8"\\?>',
          '<jcr:root xmlns:cq="http://www.day.com/jcr/cq/1.0" xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:nt="http://www.jcp.org/jcr/nt/1.0"',
          '( {4}jcr:created(By)?="[^"]*"\n)*    jcr:primaryType="cq:Page">',
          '    <jcr:content',
          '        jcr:primaryType="cq:PageContent"',
          '        jcr:title="Tom &amp; &quot;Jerry&quot;&#xa;&lt;x&gt;">',
          '        <a',
          '            jcr:primaryType="nt:unstructured"',
          '            n="{Long}7"',
          '            names="\\[x\\\\,y,\\[z\\]"/>',
          '    </jcr:content>',
          '</jcr:root>',
          '$',
        ].join('\n'),
      ),
    );
    expect((await readFile(file)).equals(await readFile(await exported(session, [filterOf('/content/site')])))).toBe(
      true,
    );
  });

  it('holds what its filter takes, with the types of what lies on the way', async () => {
    const session = await open();
    for (const path of ['/content/a/in/deep', '/content/a/out/deep/in', '/content/b']) await session.ensureNode(path);
    await session.setProperties('/content/a/in', { kept: 1, left: 1 });
    await session.setProperties('/content/a/out', { left: 1 });
    await session.save();
    const filter = filterOf('/content/a', {
      nodeRules: [
        { include: false, pattern: createPattern('/content/a/out(/.*)?') },
        { include: true, pattern: createPattern('.*/deep/in') },
      ],
      propertyRules: [{ include: false, pattern: createPattern('.*/left') }],
    });
    const other = await open();
    await installPackage({ session: other, file: await exported(session, [filter, filterOf('/content/absent')]) });
    const paths = [...(await contentOf(other, '/content')).keys()];
    expect(paths.sort()).toEqual([
      '/content/a',
      '/content/a/in',
      '/content/a/in/deep',
      '/content/a/out',
      '/content/a/out/deep',
      '/content/a/out/deep/in',
    ]);
    expect((await other.getNode('/content/a/in')).number('kept')).toBe(1);
    expect((await other.getNode('/content/a/in')).property('left')).toBeUndefined();
  });

  it.each(Object.keys(backends))('installs to the same tree, whatever the content (%s)', async (backend) => {
    const runs = backend === 'memory' ? 40 : 3;
    await fc.assert(
      fc.asyncProperty(randomTree, fc.constantFrom(undefined, 2_000), async (tree, documentBytes) => {
        const from = await open(backend);
        await writeTree(from, '/content/tree', tree);
        const to = await open(backend);
        const file = await exported(from, [filterOf('/content/tree')], documentBytes);
        await installPackage({ session: to, file });
        expect([...(await contentOf(to, '/content/tree'))]).toEqual([...(await contentOf(from, '/content/tree'))]);
        // Again: there is nothing left to change.
        expect(await installPackage({ session: to, file })).toMatchObject({ changed: 0, removed: [], skipped: [] });
      }),
      { numRuns: runs },
    );
  });

  it.skipIf(!existsSync(sample))(`of the WKND sample installs to the same tree (needs ${sample})`, async () => {
    const first = await open('LevelDB and files');
    await installPackage({ session: first, file: sample, accessControl: 'overwrite' });
    const file = await exported(first, [filterOf('/content/dam/wknd-shared')]);
    const second = await open('LevelDB and files');
    const { nodes } = await installPackage({ session: second, file });
    expect(nodes).toBeGreaterThan(1_000);
    const tree = await contentOf(second, '/content/dam/wknd-shared');
    expect([...tree]).toEqual([...(await contentOf(first, '/content/dam/wknd-shared'))]);
  });
});
