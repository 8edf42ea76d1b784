/** Parts as one layer holds them: where they lie, what they are there, and how they are changed. */
import type { Session } from '../../../repository/api.js';
import type { ContentChange } from '../../../repository/content/change-content.js';
import { joinPath } from '../../../repository/path.js';
import { canonicalLocale } from '../locale-fallback.js';
import { templatesPath } from '../template-source.js';
import { formatPartName, type PartName } from './part-name.js';

/** A file, or one property of a node. */
export interface PartPlace {
  readonly path: string;
  /** `undefined` for a file. */
  readonly property: string | undefined;
}

export const maxPartBytes = 1024 * 1024;

/** @param layerRoot `/conf/aurora/settings` */
export async function placeOfPart(
  session: Session,
  layerRoot: string,
  template: string,
  { kind, of, own }: PartName,
): Promise<PartPlace> {
  const shared = joinPath(layerRoot, templatesPath);
  const folder = own ? `${shared}/${template}` : shared;
  switch (kind) {
    case 'subject': {
      const path = `${folder}/subject`;
      const node = await session.findNode(path);
      const spelled = [of, of.replaceAll('-', '_')].find((name) => node?.property(name) !== undefined);
      return { path, property: spelled ?? of };
    }
    case 'theme':
      return { path: `${folder}/theme`, property: of };
    case 'partial':
      return { path: `${folder}/partials/${of}.mjml`, property: undefined };
    case 'sample':
      return { path: `${folder}/sample.json`, property: undefined };
    case 'body':
    case 'text': {
      const ending = kind === 'body' ? '.mjml' : '.txt';
      // Files may spell a locale differently: de_DE.mjml.
      for await (const { name, path } of session.children(folder)) {
        if (name.endsWith(ending) && canonicalLocale(name.slice(0, -ending.length)) === of) {
          return { path, property: undefined };
        }
      }
      return { path: `${folder}/${of}${ending}`, property: undefined };
    }
  }
}

/** What the layer itself says; `undefined` where it inherits. */
export async function readLayerPart(
  session: Session,
  layerRoot: string,
  template: string,
  part: PartName,
): Promise<string | undefined> {
  const { path, property } = await placeOfPart(session, layerRoot, template, part);
  if (property !== undefined) return (await session.findNode(path))?.text(property);
  const content = await session.findNode(`${path}/jcr:content`);
  const data = content?.binary('jcr:data');
  if (!data) return content?.text('jcr:data');
  return new TextDecoder().decode(await session.readBinary(data, maxPartBytes));
}

/** Every part the layer holds of a template, and what all its templates share. */
export async function listLayerParts(session: Session, layerRoot: string, template: string): Promise<PartName[]> {
  const shared = joinPath(layerRoot, templatesPath);
  const parts: PartName[] = [];
  for (const own of [true, false]) {
    const folder = own ? `${shared}/${template}` : shared;
    const [subject, theme] = await session.findNodes([`${folder}/subject`, `${folder}/theme`]);
    if (own) {
      for (const name of subject?.properties.keys() ?? []) {
        const of = name === 'default' ? name : canonicalLocale(name);
        if (of !== undefined) parts.push({ kind: 'subject', of, own });
      }
      for await (const { name } of session.children(folder)) {
        const [, stem, ending] = /^(.+)\.(mjml|txt)$/su.exec(name) ?? [];
        const of = canonicalLocale(stem);
        if (of !== undefined) parts.push({ kind: ending === 'txt' ? 'text' : 'body', of, own });
        if (name === 'sample.json') parts.push({ kind: 'sample', of: '', own });
      }
    }
    for await (const { name } of session.children(`${folder}/partials`)) {
      if (name.endsWith('.mjml')) parts.push({ kind: 'partial', of: name.slice(0, -'.mjml'.length), own });
    }
    for (const name of theme?.properties.keys() ?? []) {
      if (!name.includes(':')) parts.push({ kind: 'theme', of: name, own });
    }
  }
  return parts.sort((a, b) => (formatPartName(a) < formatPartName(b) ? -1 : 1));
}

/**
 * What makes the layer say `text`, or nothing of its own (`null`), as changes of content.
 * @param session one that may be used to make the bytes; nothing is changed
 */
export async function changesOfPart(
  session: Session,
  layerRoot: string,
  template: string,
  part: PartName,
  text: string | null,
): Promise<ContentChange[]> {
  const { path, property } = await placeOfPart(session, layerRoot, template, part);
  if (property !== undefined) return [{ path, set: { [property]: text } }];
  if (text === null) return [{ path, remove: true }];
  const data = await session.createBinary(text);
  const content: ContentChange = {
    path: `${path}/jcr:content`,
    primaryType: 'nt:resource',
    set: { 'jcr:data': data },
  };
  if (await session.findNode(path)) return [{ path: content.path, set: { 'jcr:data': data } }];
  return [{ path, primaryType: 'nt:file' }, content];
}

/** The same for the session alone: it sees the change, nothing is saved. For previews and checks. */
export async function applyPart(
  session: Session,
  layerRoot: string,
  template: string,
  part: PartName,
  text: string | null,
): Promise<void> {
  for (const { path, set = {}, remove, primaryType } of await changesOfPart(session, layerRoot, template, part, text)) {
    const before = await session.findNode(path);
    if (remove) {
      if (before) await session.remove(path);
      continue;
    }
    await session.ensureNode(path, primaryType === undefined ? {} : { primaryType }, 'sling:Folder');
    await session.setProperties(path, set);
  }
}
