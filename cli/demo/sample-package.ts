/** Content packages (FileVault) that the demo builds for itself and then installs through the ordinary command. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipArchive } from 'archiver';
import type { Picture } from './pictures.js';

export interface SampleFolder {
  /** `/content/dam/demo/aurora` */
  readonly path: string;
  readonly title?: string;
  /** Configuration root the folder refers to, e.g. `/conf/aurora`. */
  readonly configRef?: string;
  readonly pictures: readonly Picture[];
}

const namespaces = [
  'xmlns:jcr="http://www.jcp.org/jcr/1.0"',
  'xmlns:nt="http://www.jcp.org/jcr/nt/1.0"',
  'xmlns:sling="http://sling.apache.org/jcr/sling/1.0"',
  'xmlns:cq="http://www.day.com/jcr/cq/1.0"',
  'xmlns:dam="http://www.day.com/dam/1.0"',
  'xmlns:dc="http://purl.org/dc/elements/1.1/"',
].join(' ');

const modified = '2026-01-15T09:30:00.000Z';

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function docview(attributes: Readonly<Record<string, string>>, body = ''): string {
  const list = Object.entries(attributes).map(([name, value]) => `${name}="${escapeXml(value)}"`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<jcr:root ${namespaces} ${list.join(' ')}>${body}</jcr:root>\n`;
}

function folderView({ title, configRef }: SampleFolder): string {
  const titled = title === undefined ? '' : ` jcr:title="${escapeXml(title)}"`;
  const reference = configRef === undefined ? '' : ` sling:configRef="${escapeXml(configRef)}"`;
  return docview(
    { 'jcr:primaryType': 'sling:OrderedFolder' },
    `<jcr:content jcr:primaryType="nt:unstructured"${titled}${reference}/>`,
  );
}

function assetView({ title, mimeType }: Picture): string {
  return docview(
    { 'jcr:primaryType': 'dam:Asset', 'jcr:mixinTypes': '[mix:referenceable]' },
    `<jcr:content jcr:primaryType="dam:AssetContent" jcr:title="${escapeXml(title)}" jcr:lastModified="{Date}${modified}">` +
      `<metadata jcr:primaryType="nt:unstructured" dc:format="${mimeType}" dc:title="${escapeXml(title)}"/>` +
      `<renditions jcr:primaryType="nt:folder"/></jcr:content>`,
  );
}

/**
 * @param mode import mode of the filters: `replace` owns the folders, `merge_properties` only adds to what is there
 */
export async function writeSamplePackage(
  file: string,
  name: string,
  folders: readonly SampleFolder[],
  mode: 'replace' | 'merge_properties',
): Promise<void> {
  const archive = new ZipArchive({ zlib: { level: 1 } });
  const done = pipeline(archive, createWriteStream(file));
  const add = (path: string, content: string | Buffer) =>
    archive.append(content, { name: path, date: new Date(modified) });
  add(
    'META-INF/vault/properties.xml',
    `<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<properties><entry key="group">satchel</entry><entry key="name">${name}</entry><entry key="version">1.0</entry></properties>\n`,
  );
  add(
    'META-INF/vault/filter.xml',
    `<?xml version="1.0" encoding="UTF-8"?>\n<workspaceFilter version="1.0">${folders.map(({ path }) => `<filter root="${escapeXml(path)}" mode="${mode}"/>`).join('')}</workspaceFilter>\n`,
  );
  for (const folder of folders) {
    const root = `jcr_root${folder.path}`;
    add(`${root}/.content.xml`, folderView(folder));
    for (const picture of folder.pictures) {
      add(`${root}/${picture.file}/.content.xml`, assetView(picture));
      add(`${root}/${picture.file}/_jcr_content/renditions/original`, picture.bytes);
      add(
        `${root}/${picture.file}/_jcr_content/renditions/original.dir/.content.xml`,
        docview(
          { 'jcr:primaryType': 'nt:file' },
          `<jcr:content jcr:primaryType="nt:resource" jcr:mimeType="${picture.mimeType}" jcr:lastModified="{Date}${modified}"/>`,
        ),
      );
    }
  }
  await archive.finalize();
  await done;
}
