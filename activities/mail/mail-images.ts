/**
 * Pictures of the repository in a mail: they go with it (RFC 2392, `cid:`), or are linked, by the setting `dam/mail/images`.
 * A picture that is missing, may not be read, is too large or none that mail programs show is left out.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../../repository/api.js';
import type { MailImages } from './compile-template.js';

export interface MailImage {
  /** Content-ID, without angle brackets. */
  readonly cid: string;
  /** Of the picture in the repository. */
  readonly path: string;
  readonly contentType: string;
  readonly data: Uint8Array;
}

export const maxMailImages = 24;
export const maxMailImageBytes = 256 * 1024;
export const maxMailImagesBytes = 2 * 1024 * 1024;

/** By the first bytes: what all mail programs show. SVG is a program, and shown by few. */
const formats: readonly (readonly [contentType: string, start: string])[] = [
  ['image/png', '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', '\xff\xd8\xff'],
  ['image/gif', 'GIF87a'],
  ['image/gif', 'GIF89a'],
];

/** Links to pictures: `<base>/content/dam/…`. @param base without a slash at the end */
export function linkedImages(base: string): MailImages {
  return {
    address: (path) => (path.startsWith('/') ? `${base}${path.split('/').map(encodeURIComponent).join('/')}` : ''),
  };
}

/**
 * Renders with pictures that go with the mail. What asks for pictures is only known from rendering, so a mail with pictures
 * that cannot be had is rendered twice.
 * @param session reads the pictures, with the rights that the mail is made with
 */
export async function renderWithImages<Result>(
  session: Session,
  render: (images: MailImages) => Result,
): Promise<{ readonly result: Result; readonly images: readonly MailImage[] }> {
  const wanted = new Map<string, string>();
  const address = (path: string) => {
    const known = wanted.get(path) ?? `cid:${cidOf(path)}`;
    wanted.set(path, known);
    return known;
  };
  const result = render({ address });
  if (wanted.size === 0) return { result, images: [] };
  const images = await readImages(session, [...wanted.keys()]);
  if (images.length === wanted.size) return { result, images };
  const had = new Set(images.map(({ path }) => path));
  return { result: render({ address: (path) => (had.has(path) ? `cid:${cidOf(path)}` : '') }), images };
}

/** HTML that shows its pictures without the mail around it, for previews. */
export function withInlineImages(html: string, images: readonly MailImage[]): string {
  return images.reduce(
    (text, { cid, contentType, data }) =>
      text.replaceAll(`cid:${cid}`, `data:${contentType};base64,${Buffer.from(data).toString('base64')}`),
    html,
  );
}

function cidOf(path: string): string {
  return `${createHash('sha256').update(path).digest('hex').slice(0, 24)}@satchel.invalid`;
}

/** A file, as a rendition is, or an asset, whose original counts. */
async function readImages(session: Session, paths: readonly string[]): Promise<MailImage[]> {
  const images: MailImage[] = [];
  let bytes = 0;
  for (const path of paths.filter((candidate) => candidate.startsWith('/')).slice(0, maxMailImages)) {
    const [file, original] = await session.findNodes([
      `${path}/jcr:content`,
      `${path}/jcr:content/renditions/original/jcr:content`,
    ]);
    const binary = original?.binary('jcr:data') ?? file?.binary('jcr:data');
    if (!binary || binary.size > maxMailImageBytes || bytes + binary.size > maxMailImagesBytes) continue;
    const data = await session.readBinary(binary, maxMailImageBytes);
    const start = Buffer.from(data.subarray(0, 8)).toString('latin1');
    const contentType = formats.find(([, expected]) => start.startsWith(expected))?.[0];
    if (contentType === undefined) continue;
    bytes += data.byteLength;
    images.push({ cid: cidOf(path), path, contentType, data });
  }
  return images;
}
