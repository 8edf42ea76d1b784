/**
 * Assets as AEM keeps them:
 *
 *     <name>                 dam:Asset
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
  const contentPath = joinPath(asset.path, contentName);
  const renditionsPath = joinPath(contentPath, 'renditions');
  const [content, metadata] = await session.findNodes([contentPath, joinPath(contentPath, 'metadata')]);
  const names: string[] = [];
  for await (const rendition of session.children(renditionsPath)) names.push(rendition.name);
  const resources = await session.findNodes(names.map((name) => joinPath(renditionsPath, `${name}/${contentName}`)));
  const declaredType = metadata?.text('dc:format') ?? metadata?.text('dam:MIMEtype');
  const files = resources.flatMap((resource, index): AssetFile[] => {
    const name = names[index] ?? '';
    const blob = resource?.binary('jcr:data');
    if (!blob) return [];
    const byName = name === originalName ? (declaredType ?? mediaTypeOf(asset.name)) : mediaTypeOf(name);
    return [{ name, mimeType: resource?.text('jcr:mimeType') ?? byName, blob }];
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
  await session.addNode(path, { primaryType: assetType, properties: { 'jcr:created': modified } });
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
