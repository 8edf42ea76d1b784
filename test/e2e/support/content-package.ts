/** Content for end-to-end tests, as a content package that `satchel install` takes. */
import path from 'node:path';
import sharp from 'sharp';
import { docView, packageEntries, writeZip } from '../../vault/package-builder.js';

export interface ContentFolder {
  readonly path: string;
  readonly title?: string;
  /** Configuration root the folder refers to, e.g. `/conf/aurora`. */
  readonly configRef?: string;
  readonly policy?: readonly PolicyEntry[];
}

export interface PolicyEntry {
  readonly kind: 'allow' | 'deny';
  readonly principal: string;
  readonly privileges: readonly string[];
}

export interface ContentAsset {
  readonly path: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  /** Beside the original, by name. */
  readonly renditions?: Readonly<Record<string, Uint8Array>>;
}

/** When every asset last changed. */
export const modified = '2025-03-04T05:06:07.000Z';

function folderFiles({ path: folder, title, configRef, policy }: ContentFolder): [string, string][] {
  const content = [
    ...(title === undefined ? [] : [`jcr:title="${title}"`]),
    ...(configRef === undefined ? [] : [`sling:configRef="${configRef}"`]),
  ];
  const view = docView(
    'jcr:primaryType="sling:OrderedFolder"',
    `<jcr:content jcr:primaryType="nt:unstructured" ${content.join(' ')}/>`,
  );
  return [
    [`${folder.slice(1)}/.content.xml`, view],
    ...(policy ? [[`${folder.slice(1)}/_rep_policy.xml`, policyView(policy)] as [string, string]] : []),
  ];
}

/** Document view of a `rep:policy` node. */
export function policyView(entries: readonly PolicyEntry[]): string {
  const children = entries.map(({ kind, principal, privileges }, index) => {
    const type = kind === 'allow' ? 'rep:GrantACE' : 'rep:DenyACE';
    return `<${kind}${index} jcr:primaryType="${type}" rep:principalName="${principal}" rep:privileges="{Name}[${privileges.join(',')}]"/>`;
  });
  return docView('jcr:primaryType="rep:ACL"', children.join(''));
}

function assetFiles({ path: asset, mimeType, bytes, renditions = {} }: ContentAsset): [string, string | Uint8Array][] {
  const folder = asset.slice(1);
  const view = docView(
    'jcr:primaryType="dam:Asset"',
    `<jcr:content jcr:primaryType="dam:AssetContent" jcr:lastModified="{Date}${modified}">
      <metadata jcr:primaryType="nt:unstructured" dc:format="${mimeType}" xmlns:dc="http://purl.org/dc/elements/1.1/"/>
      <renditions jcr:primaryType="nt:folder"/>
    </jcr:content>`,
  );
  const all = Object.entries({ original: bytes, ...renditions });
  return [
    [`${folder}/.content.xml`, view],
    ...all.map(([name, content]): [string, Uint8Array] => [`${folder}/_jcr_content/renditions/${name}`, content]),
  ];
}

/** @param root filter root of the package: everything lies below it */
export async function writeContentPackage(
  file: string,
  root: string,
  {
    folders = [],
    assets = [],
  }: { readonly folders?: readonly ContentFolder[]; readonly assets?: readonly ContentAsset[] },
): Promise<string> {
  const files = Object.fromEntries([...folders.flatMap(folderFiles), ...assets.flatMap(assetFiles)]);
  const properties = { acHandling: 'merge' };
  return writeZip(file, packageEntries({ filter: `<filter root="${root}"/>`, files, properties }));
}

/** A picture that no other seed gives; large enough to be scaled down. */
export async function picture(seed: number, format: 'jpeg' | 'png' = 'jpeg'): Promise<Buffer> {
  const [width, height] = [1200, 900];
  const hue = (seed * 67) % 360;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="hsl(${hue},60%,45%)"/><circle cx="${300 + seed * 50}" cy="450" r="250" fill="hsl(${(hue + 140) % 360},70%,60%)"/></svg>`;
  return sharp(Buffer.from(svg)).toFormat(format).toBuffer();
}

/** A picture asset named after its path. */
export async function pictureAsset(assetPath: string, seed: number): Promise<ContentAsset> {
  const format = path.extname(assetPath) === '.png' ? 'png' : 'jpeg';
  return { path: assetPath, mimeType: `image/${format}`, bytes: await picture(seed, format) };
}
