/** The content of the repository benchmarks: assets as the DAM keeps them (dam/asset.ts), the same on every machine. */
import type { NodeInput, Repository, Session } from '../repository/api.js';
import { adminUser } from '../repository/api.js';
import type { BinaryValue, PropertyInput } from '../repository/value.js';

export const treeRoot = '/content/dam/bench';
export const nodesPerAsset = 16;
const assetsPerFolder = 100;
const renditionNames = ['cq5dam.thumbnail.48.48.png', 'cq5dam.thumbnail.140.100.png', 'cq5dam.thumbnail.319.319.png'];
const collections = 12;
const colours = 9;
/** What assets have as dc:subject, apart from what all of them have. */
export const subjects = [
  ...Array.from({ length: collections }, (_, index) => numbered('collection', index)),
  ...Array.from({ length: colours }, (_, index) => numbered('colour', index)),
];
const statuses = ['draft', 'approved', 'rejected', 'archived'];

export interface TreeNode {
  readonly path: string;
  readonly input: NodeInput;
}

/** The bytes of the original and its renditions, which all assets share: what is measured is nodes, not files. */
export async function writeTreeBlobs({ blobs }: Repository): Promise<readonly BinaryValue[]> {
  const written: BinaryValue[] = [];
  for (let index = 0; index < 5; index++) {
    const bytes = Buffer.alloc(20_000 + index, String(index));
    written.push(await blobs.write(chunk(bytes)));
  }
  return written;
}

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Parents before children. */
export function assetNodes(index: number, blobs: readonly BinaryValue[]): TreeNode[] {
  const name = `asset-${String(index).padStart(6, '0')}.jpg`;
  const asset = `${folderOf(index)}/${name}`;
  const content = `${asset}/jcr:content`;
  const renditions = `${content}/renditions`;
  const modified = new Date(Date.UTC(2024, 0, 1) + index * 60_000);
  const files = ['original', ...renditionNames, 'cq5dam.web.1280.1280.jpeg'].flatMap((file, place) => {
    const jcrData = blobs[place];
    if (!jcrData) throw new TypeError('every rendition has a blob');
    return [
      node(`${renditions}/${file}`, 'nt:file', { 'jcr:created': modified, 'jcr:createdBy': 'bench' }),
      node(`${renditions}/${file}/jcr:content`, 'nt:resource', {
        'jcr:data': jcrData,
        'jcr:mimeType': file.endsWith('png') ? 'image/png' : 'image/jpeg',
        'jcr:lastModified': modified,
        'jcr:lastModifiedBy': 'bench',
      }),
    ];
  });
  return [
    node(asset, 'dam:Asset', { 'jcr:created': modified, 'jcr:createdBy': 'bench' }),
    node(content, 'dam:AssetContent', { 'jcr:lastModified': modified, 'jcr:lastModifiedBy': 'bench', 'cq:name': name }),
    node(`${content}/metadata`, 'nt:unstructured', metadataOf(index, name, modified)),
    node(`${content}/metadata/predictedTags`, 'nt:unstructured', { count: 2, tags: ['outdoor', 'product'] }),
    node(`${content}/related`, 'nt:unstructured', { 'dam:sources': [`${treeRoot}/source-${index % 50}`] }),
    node(renditions, 'nt:folder', { 'jcr:created': modified, 'jcr:createdBy': 'bench' }),
    ...files,
  ];
}

function metadataOf(index: number, name: string, modified: Date): Record<string, PropertyInput> {
  return {
    'dc:title': `Product photograph ${index} – studio, front view`,
    'dc:description': `Picture ${index} of the spring collection, taken for the catalogue and for the web shop.`,
    'dc:format': 'image/jpeg',
    'dc:creator': ['Anna Example', `Photographer ${index % 37}`],
    'dc:modified': modified,
    'dc:subject': [numbered('collection', index % collections), numbered('colour', index % colours), 'catalogue'],
    'dam:size': 1_200_000 + index * 17,
    'dam:status': statuses[index % statuses.length] ?? 'draft',
    'dam:scene7Name': name.replace('.', '_'),
    'tiff:ImageWidth': 3000 + (index % 1000),
    'tiff:ImageLength': 2000 + (index % 700),
    'exif:ExposureTime': 1 / (60 + (index % 50)),
  };
}

function numbered(name: string, number: number): string {
  return `${name}-${number}`;
}

function node(path: string, primaryType: string, properties: Readonly<Record<string, PropertyInput>>): TreeNode {
  return { path, input: { primaryType, properties } };
}

function folderOf(index: number): string {
  return `${treeRoot}/folder-${String(Math.floor(index / assetsPerFolder)).padStart(4, '0')}`;
}

/** Adds the folders of the assets, saved: they are not part of what is timed. */
export async function addFolders(repository: Repository, assets: number): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    for (let index = 0; index < assets; index += assetsPerFolder) {
      await session.ensureNode(folderOf(index), { primaryType: 'sling:Folder' }, 'sling:Folder');
    }
    await session.save();
  });
}

/** @param perSave assets between two saves */
export async function importAssets(session: Session, assets: Iterable<TreeNode[]>, perSave: number): Promise<void> {
  let unsaved = 0;
  for (const nodes of assets) {
    for (const { path, input } of nodes) await session.addNode(path, input);
    if (++unsaved < perSave) continue;
    await session.save();
    unsaved = 0;
  }
  await session.save();
}
