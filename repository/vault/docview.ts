/** FileVault's document view: an element is a node, an attribute a property. */
import type { SaxesTagNS } from 'saxes';
import { RepositoryError } from '../errors.js';
import { nameProblem, printable } from '../path.js';
import type { Property } from '../value.js';
import { parseBinaryReference, parseDocViewValue } from './docview-value.js';
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
  /** Binaries may be given by their hash, as in the repository's own snapshots; never in what came from elsewhere. */
  readonly binaryReferences?: boolean;
  /** A document with more nodes is refused. */
  readonly mostNodes?: number;
}

/**
 * @returns `undefined` for a file that is no document view, where that is allowed
 * @throws INVALID_CONTENT_FILE with file and line
 */
export async function parseDocView(
  source: AsyncIterable<Uint8Array>,
  { file, optional = false, binaryReferences = false, mostNodes = Infinity }: DocViewOptions,
): Promise<NodeDeclaration | undefined> {
  const open: OpenNode[] = [];
  let root: OpenNode | undefined;
  let nodes = 0;
  const isDocView = (tag: SaxesTagNS) => tag.uri === jcrNamespace && tag.local === 'root';
  const accepted = await parseXml(source, file, {
    ...(optional && { acceptRoot: isDocView }),
    open(tag, line) {
      if (!root && !isDocView(tag)) throw new Error(`the root element is "${tag.name}" and not jcr:root`);
      if (++nodes > mostNodes) throw new Error(`it has more than ${mostNodes} nodes`);
      const node = readElement(tag, line, root === undefined, binaryReferences);
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

function readElement(tag: SaxesTagNS, line: number, isRoot: boolean, binaryReferences: boolean): OpenNode {
  const properties = new Map<string, Property>();
  const binaries: string[] = [];
  const binaryLists = new Map<string, number>();
  for (const attribute of Object.values(tag.attributes)) {
    if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue;
    const name = readName(attribute.name);
    const [, list] = /^\{Binary\}(\[.*\])?$/.exec(attribute.value) ?? [attribute.value];
    if (attribute.value === '{Binary}' || attribute.value === '{Binary}\\0') binaries.push(name);
    else if (list !== undefined) binaryLists.set(name, list === '[]' ? 0 : list.split(',').length);
    else if (attribute.value.startsWith('{BinaryRef}')) {
      if (!binaryReferences) {
        throw new RepositoryError('INVALID_VALUE', `Property "${name}" refers to a binary of another repository.`);
      }
      properties.set(name, parseBinaryReference(name, attribute.value.slice('{BinaryRef}'.length)));
    } else properties.set(name, parseDocViewValue(name, attribute.value));
  }
  return {
    name: isRoot ? '' : readName(tag.name),
    line,
    orderOnly: properties.size === 0 && binaries.length === 0 && binaryLists.size === 0,
    properties,
    binaries,
    binaryLists,
    children: [],
  };
}

function readName(xmlName: string): string {
  const name = decodeXmlName(xmlName);
  const problem = nameProblem(name);
  if (problem) throw new RepositoryError('INVALID_PATH', `the name "${printable(name)}" ${problem}`);
  return name;
}

/** Whether a file would be read as a document view, wherever it stands. */
export async function isDocView(source: AsyncIterable<Uint8Array>): Promise<boolean> {
  let found = false;
  await parseXml(source, '', {
    acceptRoot: ({ uri, local }) => {
      found = uri === jcrNamespace && local === 'root';
      return false;
    },
    open: () => undefined,
  });
  return found;
}
