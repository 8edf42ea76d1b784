/**
 * Writes content as a content package. It is streamed: in memory are one document and the list of entries. The same content
 * gives the same bytes with the same zlib.
 */
import type { Session } from '../api.js';
import type { BinaryValue } from '../value.js';
import { deflateEntries, type ZipEntryContent } from './deflate-entries.js';
import { writeFilter, type FilterSet } from './filter.js';
import { formatPackageId, type PackageId } from './package-id.js';
import { writeContent } from './write-content.js';
import { escapeXml } from './xml-text.js';

export interface WritePackageOptions {
  readonly session: Session;
  readonly id: PackageId;
  readonly filters: readonly FilterSet[];
  /** More of properties.xml; names and values as FileVault has them. */
  readonly properties?: Readonly<Record<string, string>>;
  /** See `WriteContentOptions`. */
  readonly binaryReferences?: boolean;
  /** See `WriteContentOptions`. */
  readonly onBinaryReference?: (sha256: string) => void;
  readonly documentBytes?: number;
  readonly onProgress?: (progress: WriteProgress) => void;
  readonly signal?: AbortSignal;
}

export interface WriteProgress {
  readonly nodes: number;
  /** Of binaries. */
  readonly bytes: number;
  readonly path: string;
}

/** Entries have no time of their own: what changed is in the content. */
const entryDate = new Date(Date.UTC(1980, 0, 1));

/** Rights count: what the session may not read is not in the package. */
export async function* writePackage(options: WritePackageOptions): AsyncGenerator<Uint8Array> {
  const { session, filters, signal, onProgress } = options;
  let nodes = 0;
  let bytes = 0;
  let at = '';
  async function* counted(value: BinaryValue): AsyncGenerator<Uint8Array> {
    for await (const chunk of session.openBinary(value)) {
      signal?.throwIfAborted();
      yield chunk as Uint8Array;
      bytes += (chunk as Uint8Array).byteLength;
      onProgress?.({ nodes, bytes, path: at });
    }
  }
  const entry = (name: string, content: string | BinaryValue): ZipEntryContent => {
    signal?.throwIfAborted();
    return {
      name,
      modified: entryDate,
      content: typeof content === 'string' ? Buffer.from(content) : counted(content),
    };
  };
  async function* entries(): AsyncGenerator<ZipEntryContent> {
    yield entry('META-INF/MANIFEST.MF', manifest(options));
    yield entry('META-INF/vault/properties.xml', propertiesXml(options));
    yield entry('META-INF/vault/filter.xml', writeFilter(filters));
    const onNode = (path: string) => {
      at = path;
      onProgress?.({ nodes: ++nodes, bytes, path });
    };
    for await (const { path, content } of writeContent({ ...options, onNode }))
      yield entry(`jcr_root/${path}`, content);
  }
  yield* deflateEntries(entries());
}

function propertiesXml({ id, properties = {} }: WritePackageOptions): string {
  const all = { ...id, packageFormatVersion: '2', ...properties };
  const entries = Object.entries(all)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `    <entry key="${escapeXml(key)}">${escapeXml(value)}</entry>\n`);
  return `<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<!DOCTYPE properties SYSTEM "http://java.sun.com/dtd/properties.dtd">\n<properties>\n${entries.join('')}</properties>\n`;
}

/** Lines of at most 72 bytes, as the format of JAR files wants them. */
function manifest({ id, filters }: WritePackageOptions): string {
  const lines = [
    'Manifest-Version: 1.0',
    `Content-Package-Id: ${formatPackageId(id)}`,
    `Content-Package-Roots: ${filters.map(({ root }) => root).join(',')}`,
  ];
  return lines.map((line) => `${foldedLine(line)}\r\n`).join('');
}

function foldedLine(line: string): string {
  const rows = [''];
  for (const character of line.replace(/[\r\n]/g, ' ')) {
    const row = rows.at(-1) ?? '';
    if (Buffer.byteLength(row) + Buffer.byteLength(character) > 72) rows.push(` ${character}`);
    else rows[rows.length - 1] = row + character;
  }
  return rows.join('\r\n');
}
