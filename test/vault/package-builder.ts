/** Content packages and hostile archives for tests, written byte by byte so that every field can be wrong. */
import { writeFile } from 'node:fs/promises';
import { crc32, deflateRawSync } from 'node:zlib';

export interface PackageEntry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly deflate?: boolean;
  /** Written in place of the true ones. */
  readonly crc?: number;
  readonly uncompressedSize?: number;
  /** Unix mode, as for a symbolic link. */
  readonly mode?: number;
  /** General purpose flags beside UTF-8; 1 is encrypted. */
  readonly flags?: number;
  readonly method?: number;
  /** Where the directory says it begins, in place of the true one. */
  readonly offset?: number;
}

export async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  // Two chunks, so that nothing relies on a document arriving whole.
  const bytes = Buffer.from(text);
  yield bytes.subarray(0, Math.ceil(bytes.length / 2));
  yield bytes.subarray(Math.ceil(bytes.length / 2));
}

export async function writeZip(file: string, entries: readonly PackageEntry[]): Promise<string> {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? '');
    const data = entry.deflate ? deflateRawSync(content) : content;
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(0x800 | (entry.flags ?? 0), 2);
    shared.writeUInt16LE(entry.method ?? (entry.deflate ? 8 : 0), 4);
    shared.writeUInt16LE(0x21, 8);
    shared.writeUInt32LE(entry.crc ?? crc32(content), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(entry.uncompressedSize ?? content.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, name, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 6);
    tail.writeUInt32LE(entry.offset ?? offset, 10);
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), shared, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  await writeFile(file, Buffer.concat([...locals, directory, end]));
  return file;
}

export interface PackageInput {
  /** Inner XML of the workspace filter. */
  readonly filter: string;
  /** Below jcr_root/. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** As they are, before the rest. */
  readonly extra?: readonly PackageEntry[];
  /** Beside group `tests`, name `sample & more` and version 1.2, or in their place. */
  readonly properties?: Readonly<Record<string, string>>;
}

export function packageEntries({ filter, files, extra = [], properties = {} }: PackageInput): PackageEntry[] {
  const all = { group: 'tests', name: 'sample & more', version: '1.2', ...properties };
  return [
    ...extra,
    {
      name: 'META-INF/vault/properties.xml',
      content: `<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE properties SYSTEM "http://java.sun.com/dtd/properties.dtd">
<properties>${Object.entries(all)
        .map(([key, value]) => `<entry key="${key}">${value.replaceAll('&', '&amp;')}</entry>`)
        .join('')}</properties>`,
    },
    { name: 'META-INF/vault/filter.xml', content: `<workspaceFilter version="1.0">${filter}</workspaceFilter>` },
    ...Object.entries(files).map(([name, content]) => ({ name: `jcr_root/${name}`, content, deflate: true })),
  ];
}

/** A document view of one node; `attributes` and `children` as XML. */
export function docView(attributes: string, children = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0" xmlns:nt="http://www.jcp.org/jcr/nt/1.0" xmlns:sling="http://sling.apache.org/jcr/sling/1.0" xmlns:cq="http://www.day.com/jcr/cq/1.0" xmlns:dam="http://www.day.com/dam/1.0" xmlns:mix="http://www.jcp.org/jcr/mix/1.0" xmlns:rep="internal"
    ${attributes}>${children}</jcr:root>`;
}
