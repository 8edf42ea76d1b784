/** FileVault's document view: an element is a node, an attribute a property. */
import type { SaxesTagNS } from 'saxes';
import { RepositoryError } from '../errors.js';
import { nameProblem, printable } from '../path.js';
import type { Property } from '../value.js';
import { parseDocViewValue } from './docview-value.js';
import type { NodeDeclaration } from './node-declaration.js';
import { decodeXmlName } from './platform-name.js';
import { parseXml } from './xml.js';

const jcrNamespace = 'http://www.jcp.org/jcr/1.0';

interface OpenNode extends NodeDeclaration {
  readonly children: OpenNode[];
}

export interface DocViewOptions {
  /** For messages, and so that a problem can be found. */
  readonly file: string;
  /** A document with another root element, or no XML at all, is no document view; else it is an error. */
  readonly optional?: boolean;
}

/**
 * @returns `undefined` for a file that is no document view, where that is allowed
 * @throws INVALID_CONTENT_FILE with file and line
 */
export async function parseDocView(
  source: AsyncIterable<Uint8Array>,
  { file, optional = false }: DocViewOptions,
): Promise<NodeDeclaration | undefined> {
  const open: OpenNode[] = [];
  let root: OpenNode | undefined;
  const isDocView = (tag: SaxesTagNS) => tag.uri === jcrNamespace && tag.local === 'root';
  const accepted = await parseXml(source, file, {
    ...(optional && { acceptRoot: isDocView }),
    open(tag, line) {
      if (!root && !isDocView(tag)) throw new Error(`the root element is "${tag.name}" and not jcr:root`);
      const node = readElement(tag, line, root === undefined);
      const siblings = open.at(-1)?.children;
      if (siblings?.some(({ name }) => name === node.name)) throw new Error(`there are two children "${node.name}"`);
      siblings?.push(node);
      root ??= node;
      open.push(node);
    },
    close: () => void open.pop(),
    text(text) {
      if (text.trim() !== '') throw new Error(`text between elements: "${text.trim().slice(0, 40)}"`);
    },
  });
  return accepted ? root : undefined;
}

function readElement(tag: SaxesTagNS, line: number, isRoot: boolean): OpenNode {
  const properties = new Map<string, Property>();
  const binaries: string[] = [];
  for (const attribute of Object.values(tag.attributes)) {
    if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue;
    const name = readName(attribute.name);
    if (/^\{Binary\}(\[\])?$/.test(attribute.value)) binaries.push(name);
    else if (attribute.value.startsWith('{BinaryRef}')) {
      throw new RepositoryError('INVALID_VALUE', `Property "${name}" refers to a binary of another repository.`);
    } else properties.set(name, parseDocViewValue(name, attribute.value));
  }
  return {
    name: isRoot ? '' : readName(tag.name),
    line,
    orderOnly: properties.size === 0 && binaries.length === 0,
    properties,
    binaries,
    children: [],
  };
}

function readName(xmlName: string): string {
  const name = decodeXmlName(xmlName);
  const problem = nameProblem(name);
  if (problem) throw new RepositoryError('INVALID_PATH', `the name "${printable(name)}" ${problem}`);
  return name;
}
