/** Writes a node, and what belongs into one file with it, as a document view that `parseDocView` reads back. */
import type { RepositoryNode, Session } from '../api.js';
import { propertyTexts } from '../property-text.js';
import type { Property } from '../value.js';
import { formatBinaryReference, formatDocViewValue } from './docview-value.js';
import { namespaceOf } from './namespaces.js';
import { encodeXmlName, encodeXmlPrefix } from './platform-name.js';
import { escapeXml } from './xml-text.js';

/** What of a node goes into its document. */
export interface DocumentRules {
  /** The properties that are written. */
  properties(node: RepositoryNode): Iterable<readonly [string, Property]>;
  /**
   * `inline`: the child is written with all below. `place`: it has files of its own, and the document keeps its place among its
   * siblings. `omit`: it is not written here.
   */
  child(child: RepositoryNode, parent: RepositoryNode): Promise<'inline' | 'place' | 'omit'>;
  /** Binaries by their hash, for snapshots; else their bytes lie in files. */
  readonly binaryReferences: boolean;
}

/**
 * @param mostBytes a document that would be longer is not written
 * @returns `undefined` for a document that is too long
 */
export async function writeDocView(
  session: Session,
  node: RepositoryNode,
  rules: DocumentRules,
  mostBytes: number,
): Promise<string | undefined> {
  const document = new DocViewDocument(session, rules, mostBytes);
  return (await document.element('jcr:root', node, 0)) ? document.frame() : undefined;
}

class DocViewDocument {
  readonly #prefixes = new Set(['jcr']);
  readonly #parts: string[] = [];
  #length = 0;

  constructor(
    private readonly session: Session,
    private readonly rules: DocumentRules,
    private readonly mostBytes: number,
  ) {}

  frame(): string {
    const declarations = [...this.#prefixes]
      .sort()
      .map(
        (prefix) =>
          ` xmlns:${encodeXmlPrefix(prefix)}="${escapeXml(namespaceOf(prefix, this.session.nodeTypes.namespaces))}"`,
      );
    const [, ...rest] = this.#parts;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<jcr:root${declarations.join('')}${rest.join('')}`;
  }

  /** @returns whether it fits */
  async element(xmlName: string, node: RepositoryNode, depth: number): Promise<boolean> {
    const indent = '    '.repeat(depth);
    this.#add(`${indent}<${xmlName}`);
    const attributes = [...this.rules.properties(node)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, property] of attributes) {
      this.#remember(name);
      if (property.type === 'Name') for (const value of propertyTexts(property)) this.#remember(value);
      const asReference =
        this.rules.binaryReferences &&
        property.type === 'Binary' &&
        property.values.every((value) => typeof value === 'object' && value.inline === undefined) &&
        property.values.length > 0;
      const text = asReference ? formatBinaryReference(property) : formatDocViewValue(name, property);
      this.#add(`\n${indent}    ${encodeXmlName(name)}="${escapeXml(text)}"`);
    }
    let hasChildren = false;
    for await (const child of this.session.children(node.path)) {
      if (this.#length > this.mostBytes) return false;
      const kind = await this.rules.child(child, node);
      if (kind === 'omit') continue;
      if (!hasChildren) this.#add('>\n');
      hasChildren = true;
      this.#remember(child.name);
      const childName = encodeXmlName(child.name);
      if (kind === 'place') this.#add(`${indent}    <${childName}/>\n`);
      else if (!(await this.element(childName, child, depth + 1))) return false;
    }
    this.#add(hasChildren ? `${indent}</${xmlName}>\n` : '/>\n');
    return this.#length <= this.mostBytes;
  }

  #add(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
  }

  #remember(name: string): void {
    const colon = name.indexOf(':');
    if (colon > 0) this.#prefixes.add(name.slice(0, colon));
  }
}
