/** Reads XML from untrusted files: UTF-8, namespaces checked, no document type, nothing fetched, bounded. */
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { RepositoryError } from '../errors.js';

export interface XmlHandlers {
  readonly open: (tag: SaxesTagNS, line: number) => void;
  readonly close?: () => void;
  readonly text?: (text: string) => void;
  /** Whether to go on with a document of this root element. Without it any root is taken. */
  readonly acceptRoot?: (root: SaxesTagNS) => boolean;
  /** The one document type declaration that is tolerated, and ignored. */
  readonly toleratedDoctype?: string;
}

const maximumDepth = 256;
/** Characters of one attribute: a value of text is no place for more. */
const maximumAttributeLength = 16 * 1024 * 1024;
const maximumAttributes = 10_000;

class NotAccepted extends Error {}

/**
 * @returns false when `acceptRoot` refused the document, or, where it is given, what comes before the root is not XML
 * @throws INVALID_CONTENT_FILE with file and line
 */
export async function parseXml(
  source: AsyncIterable<Uint8Array>,
  file: string,
  handlers: XmlHandlers,
): Promise<boolean> {
  const parser = new SaxesParser({ xmlns: true });
  const seen: { depth: number; root: boolean; doctype?: string } = { depth: 0, root: false };
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding && encoding.toLowerCase() !== 'utf-8') throw new Error(`the encoding ${encoding} is not UTF-8`);
  });
  parser.on('doctype', (declaration) => {
    seen.doctype = declaration.trim().replace(/\s+/g, ' ');
  });
  let attributes = 0;
  parser.on('opentagstart', () => {
    attributes = 0;
  });
  parser.on('attribute', ({ value }) => {
    if (++attributes > maximumAttributes) throw new Error(`an element has more than ${maximumAttributes} attributes`);
    if (value.length > maximumAttributeLength) {
      throw new Error(`an attribute is longer than ${maximumAttributeLength} characters`);
    }
  });
  parser.on('opentag', (tag) => {
    if (!seen.root && handlers.acceptRoot && !handlers.acceptRoot(tag)) throw new NotAccepted();
    seen.root = true;
    if (seen.doctype !== undefined && seen.doctype !== handlers.toleratedDoctype) {
      throw new Error('a document type declaration (DOCTYPE) is not allowed');
    }
    if (++seen.depth > maximumDepth) throw new Error(`elements are nested deeper than ${maximumDepth}`);
    handlers.open(tag, parser.line);
  });
  parser.on('closetag', () => {
    seen.depth--;
    handlers.close?.();
  });
  parser.on('text', (text) => handlers.text?.(text));
  parser.on('cdata', (text) => handlers.text?.(text));
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of source) parser.write(decoder.decode(chunk, { stream: true }));
    parser.write(decoder.decode()).close();
    return true;
  } catch (error) {
    if (error instanceof NotAccepted) return false;
    // Reading failed, not parsing: the archive is to blame.
    if (error instanceof RepositoryError && error.code === 'INVALID_PACKAGE') throw error;
    if (!seen.root && handlers.acceptRoot) return false;
    const problem = (error instanceof Error ? error.message : String(error)).replace(/^\d+:\d+: /, '');
    throw new RepositoryError('INVALID_CONTENT_FILE', `${file}:${parser.line}: ${problem}`, {
      file,
      line: parser.line,
      cause: error,
    });
  }
}
