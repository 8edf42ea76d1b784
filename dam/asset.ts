/**
 * Assets as AEM keeps them:
 *
 *     <name>                 dam:Asset           mix:referenceable, so that it stays itself when it is moved
 *       jcr:content          dam:AssetContent    jcr:lastModified
 *         metadata           nt:unstructured     dc:title, dc:format, tiff:ImageWidth …
 *         renditions         nt:folder
 *           original         nt:file / jcr:content nt:resource   jcr:data, jcr:mimeType
 *           cq5dam.web.1280.1280.jpeg …
 */
import { joinPath, nameOf } from '../repository/path.js';
import { mediaTypeOf } from '../repository/vault/media-type.js';
import type { RepositoryNode, Session } from '../repository/api.js';
import type { BinaryValue, PropertyInput } from '../repository/value.js';

import { originalName } from './rendition-names.js';

export const assetType = 'dam:Asset';
const contentName = 'jcr:content';
const anyBytes = 'application/octet-stream';
const renditionsName = `${contentName}/renditions`;
/** Time of what has none: the first that a ZIP can hold. */
const noTime = '1980-01-01T00:00:00.000Z';

/** The bytes of a rendition, or of the original. */
export interface AssetFile {
  readonly name: string;
  readonly mimeType: string;
  readonly blob: BinaryValue;
}

export interface Asset {
  readonly path: string;
  readonly name: string;
  readonly title: string;
  /** Of the original. */
  readonly mimeType: string;
  /** When the asset last changed, ISO 8601 in UTC; a fact of the content, not of this store. */
  readonly modified: string;
  readonly original: AssetFile | undefined;
  /** Without the original, in child order. */
  readonly renditions: readonly AssetFile[];
  /** Pixels of the original as its metadata say; untrusted, for estimates. */
  readonly pixels: number | undefined;
  /** Why nothing of it can be downloaded: it is a set, or a content fragment. */
  readonly notDownloadable: string | undefined;
}

export function isAsset(node: RepositoryNode): boolean {
  return node.primaryType === assetType;
}

/** Reads an asset with its renditions. What the session may not read is not there. */
export async function readAsset(session: Session, asset: RepositoryNode): Promise<Asset> {
  const [read] = await readAssets(session, [asset]);
  if (!read) throw new TypeError('one asset is read for every node');
  return read;
}

/** Reads assets as `readAsset` does, in the order of their nodes: three batched reads for all of them. */
export async function readAssets(session: Session, assets: readonly RepositoryNode[]): Promise<Asset[]> {
  const contents = await session.findNodes(
    assets.flatMap(({ path }) => [joinPath(path, contentName), joinPath(path, `${contentName}/metadata`)]),
  );
  const names = await Promise.all(assets.map(({ path }) => childNames(session, joinPath(path, renditionsName))));
  const resources = await session.findNodes(
    assets.flatMap(({ path }, index) =>
      (names[index] ?? []).map((name) => joinPath(path, `${renditionsName}/${name}/${contentName}`)),
    ),
  );
  let position = 0;
  return assets.map((asset, index) => {
    const [content, metadata] = [contents[2 * index], contents[2 * index + 1]];
    const renditions = (names[index] ?? []).map((name) => ({ name, resource: resources[position++] }));
    return assetOf(asset, content, metadata, renditions);
  });
}

async function childNames(session: Session, path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of session.children(path)) names.push(name);
  return names;
}

function assetOf(
  asset: RepositoryNode,
  content: RepositoryNode | undefined,
  metadata: RepositoryNode | undefined,
  renditions: readonly { readonly name: string; readonly resource: RepositoryNode | undefined }[],
): Asset {
  const declaredType = metadata?.text('dc:format') ?? metadata?.text('dam:MIMEtype');
  const files = renditions.flatMap(({ name, resource }): AssetFile[] => {
    const blob = resource?.binary('jcr:data');
    if (!blob) return [];
    const byName = name === originalName ? (declaredType ?? mediaTypeOf(asset.name)) : mediaTypeOf(name);
    const stored = resource?.text('jcr:mimeType');
    // Packages that say nothing of a file named "original" leave it with the type of any bytes.
    return [{ name, mimeType: stored === undefined || stored === anyBytes ? byName : stored, blob }];
  });
  const original = files.find(({ name }) => name === originalName);
  const width = metadata?.number('tiff:ImageWidth');
  const height = metadata?.number('tiff:ImageLength');
  return {
    path: asset.path,
    name: asset.name,
    title: metadata?.text('dc:title') ?? content?.text('jcr:title') ?? asset.name,
    mimeType: original?.mimeType ?? declaredType ?? mediaTypeOf(asset.name),
    modified: utc(content?.text('jcr:lastModified') ?? asset.text('jcr:created')),
    original,
    renditions: files.filter(({ name }) => name !== originalName),
    pixels: width && height && width > 0 && height > 0 ? width * height : undefined,
    notDownloadable: whyNotDownloadable(content, metadata),
  };
}

function utc(date: string | undefined): string {
  const instant = date === undefined ? NaN : Date.parse(date);
  return Number.isNaN(instant) ? noTime : new Date(instant).toISOString();
}

const setTypes: Readonly<Record<string, string>> = {
  imageset: 'An image set',
  spinset: 'A spin set',
  mixedmediaset: 'A mixed media set',
  carouselset: 'A carousel set',
};

/** Sets only refer to other assets (D7); content fragments hold no file. */
function whyNotDownloadable(
  content: RepositoryNode | undefined,
  metadata: RepositoryNode | undefined,
): string | undefined {
  const kinds = [content, metadata].flatMap((node) => [
    node?.text('dam:s7damType'),
    node?.text('s7damType'),
    node?.text('dam:assetType'),
    node?.text('sling:resourceType'),
  ]);
  for (const kind of kinds) {
    const key =
      kind &&
      nameOf(`/${kind}`)
        .toLowerCase()
        .replace(/[^a-z]/gu, '');
    if (key && Object.hasOwn(setTypes, key)) {
      return `${setTypes[key] ?? ''} refers to other assets; download those instead.`;
    }
  }
  return content?.boolean('contentFragment') ? 'A content fragment has no file of its own.' : undefined;
}

export interface NewAsset {
  readonly binary: BinaryValue;
  /** Default: by the name's extension. */
  readonly mimeType?: string;
  readonly metadata?: Readonly<Record<string, PropertyInput>>;
  /** Default: now. */
  readonly modified?: Date;
}

/**
 * Adds an asset below a folder that exists; the caller saves.
 * @returns its path
 * @throws RepositoryError ITEM_EXISTS, PATH_NOT_FOUND, INVALID_PATH
 */
export async function createAsset(session: Session, folder: string, name: string, asset: NewAsset): Promise<string> {
  const { binary, mimeType = mediaTypeOf(name), metadata = {}, modified = new Date() } = asset;
  const path = joinPath(folder, name);
  const content = joinPath(path, contentName);
  await session.addNode(path, {
    primaryType: assetType,
    mixins: ['mix:referenceable'],
    properties: { 'jcr:created': modified },
  });
  await session.addNode(content, { primaryType: 'dam:AssetContent', properties: { 'jcr:lastModified': modified } });
  await session.addNode(joinPath(content, 'metadata'), { properties: { 'dc:format': mimeType, ...metadata } });
  await session.addNode(joinPath(content, 'renditions'), { primaryType: 'nt:folder' });
  await saveRendition(session, path, originalName, { binary, mimeType });
  return path;
}

/** Adds or replaces a rendition of an asset; the caller saves. @throws RepositoryError PATH_NOT_FOUND */
export async function saveRendition(
  session: Session,
  assetPath: string,
  name: string,
  { binary, mimeType }: { readonly binary: BinaryValue; readonly mimeType: string },
): Promise<void> {
  const file = joinPath(assetPath, `${contentName}/renditions/${name}`);
  const properties = { 'jcr:data': binary, 'jcr:mimeType': mimeType };
  await session.ensureNode(file, { primaryType: 'nt:file' }, 'nt:folder');
  const resource = joinPath(file, contentName);
  if (await session.findNode(resource)) await session.setProperties(resource, properties);
  else await session.addNode(resource, { primaryType: 'nt:resource', properties });
}
