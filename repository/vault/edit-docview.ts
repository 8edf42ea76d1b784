/**
 * Changes single nodes of a document view in its text, so that all else (order, comments, line breaks) stays as a person
 * left it. Works on texts that `parseDocView` accepts: elements and white space, no character data, no DOCTYPE.
 */
import type { Namespaces } from '../node-types/definition.js';
import { propertyTexts } from '../property-text.js';
import type { Property } from '../value.js';
import { formatDocViewValue } from './docview-value.js';
import { namespaceOf } from './namespaces.js';
import { decodeXmlName, encodeXmlName, encodeXmlPrefix } from './platform-name.js';
import { escapeXml } from './xml-text.js';

export interface DocViewChange {
  /** Names from the root element's children down to the node; none for the root itself. Missing elements are added. */
  readonly pointer: readonly string[];
  /** `undefined` takes a property out. */
  readonly properties: ReadonlyMap<string, Property | undefined>;
  /** Of elements that are added on the way to the node. */
  readonly typeOnTheWay: Property;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Element {
  readonly name: string;
  /** `<a x="1">` or `<a/>`. */
  readonly tag: Span;
  /** Where `</a>` starts; of an empty element, where its tag ends. */
  contentEnd: number;
  /** Behind `</a>`. */
  end: number;
  readonly children: Element[];
}

const token = /<!--[^]*?-->|<\?[^]*?\?>|<(\/?)([^\s/>]+)((?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g;
const attribute = /(\s+)([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')/g;
const indentStep = '    ';

export function changeInDocView(text: string, change: DocViewChange, namespaces: Namespaces): string {
  let changed = text;
  for (const [depth, name] of change.pointer.entries()) {
    const parent = change.pointer.slice(0, depth);
    if (findElement(changed, [...parent, name])) continue;
    changed = addElement(changed, parent, name);
    if (depth < change.pointer.length - 1) {
      changed = setAttribute(changed, [...parent, name], 'jcr:primaryType', change.typeOnTheWay);
    }
  }
  for (const [name, property] of change.properties) changed = setAttribute(changed, change.pointer, name, property);
  return declarePrefixes(changed, prefixesOf(change), namespaces);
}

/** Takes an element out, with all in it; `pointer` names at least one. */
export function removeFromDocView(text: string, pointer: readonly string[]): string {
  const element = findElement(text, pointer);
  if (!element) return text;
  return text.slice(0, startWithSpace(text, element.tag.start)) + text.slice(element.end);
}

function findElement(text: string, pointer: readonly string[]): Element | undefined {
  let element: Element | undefined = readElements(text);
  for (const name of pointer) element = element?.children.find((child) => child.name === name);
  return element;
}

function readElements(text: string): Element | undefined {
  const open: Element[] = [];
  let root: Element | undefined;
  for (const match of text.matchAll(token)) {
    const [whole, closing, xmlName, , empty] = match;
    if (xmlName === undefined) continue;
    const end = match.index + whole.length;
    if (closing) {
      const element = open.pop();
      if (element) Object.assign(element, { contentEnd: match.index, end });
      continue;
    }
    const tag = { start: match.index, end };
    const element: Element = { name: decodeXmlName(xmlName), tag, contentEnd: end, end, children: [] };
    open.at(-1)?.children.push(element);
    root ??= element;
    if (!empty) open.push(element);
  }
  return root;
}

function addElement(text: string, parent: readonly string[], name: string): string {
  const element = findElement(text, parent);
  if (!element) return text;
  const { tag, contentEnd, end, children } = element;
  const added = `<${encodeXmlName(name)}/>`;
  const outer = indentOf(text, tag.start);
  const last = children.at(-1);
  if (last) return `${text.slice(0, last.end)}\n${indentOf(text, last.tag.start)}${added}${text.slice(last.end)}`;
  const line = `\n${outer}${indentStep}${added}`;
  if (contentEnd < end) {
    const before = startWithSpace(text, contentEnd);
    return `${text.slice(0, before)}${line}\n${outer}${text.slice(contentEnd)}`;
  }
  const openTag = text.slice(tag.start, tag.end).replace(/\s*\/>$/, '>');
  const [, xmlName = ''] = /^<([^\s/>]+)/.exec(openTag) ?? [];
  return `${text.slice(0, tag.start)}${openTag}${line}\n${outer}</${xmlName}>${text.slice(tag.end)}`;
}

function setAttribute(text: string, pointer: readonly string[], name: string, property: Property | undefined): string {
  const element = findElement(text, pointer);
  if (!element) return text;
  const { tag } = element;
  const source = text.slice(tag.start, tag.end);
  const written = property && `${encodeXmlName(name)}="${escapeXml(formatDocViewValue(name, property))}"`;
  const all = [...source.matchAll(attribute)];
  const known = all.find(([, , xmlName = '']) => decodeXmlName(xmlName) === name);
  let changed = source;
  if (known) {
    const [whole, space = ' '] = known;
    const kept = written === undefined ? '' : `${space}${written}`;
    changed = source.slice(0, known.index) + kept + source.slice(known.index + whole.length);
  } else if (written !== undefined) {
    const last = all.at(-1);
    const [, name = ''] = /^<([^\s/>]+)/.exec(source) ?? [];
    const at = last ? last.index + last[0].length : name.length + 1;
    // Each on a line of its own, as FileVault writes them, unless a person wrote them otherwise.
    const isOneLine = last !== undefined && !/^xmlns\b/.test(last[2] ?? '') && !(last[1] ?? '').includes('\n');
    const space = isOneLine ? ' ' : `\n${indentOf(text, tag.start)}${indentStep}`;
    changed = source.slice(0, at) + space + written + source.slice(at);
  }
  return text.slice(0, tag.start) + changed + text.slice(tag.end);
}

function declarePrefixes(text: string, prefixes: ReadonlySet<string>, namespaces: Namespaces): string {
  const root = readElements(text);
  if (!root) return text;
  const source = text.slice(root.tag.start, root.tag.end);
  const declared = new Set([...source.matchAll(attribute)].map(([, , name = '']) => decodeXmlName(name)));
  const missing = [...prefixes].filter((prefix) => !declared.has(`xmlns:${prefix}`)).sort();
  const [opening = ''] = /^<[^\s/>]+/.exec(source) ?? [];
  const declarations = missing.map(
    (prefix) => ` xmlns:${encodeXmlPrefix(prefix)}="${escapeXml(namespaceOf(prefix, namespaces))}"`,
  );
  const at = root.tag.start + opening.length;
  return text.slice(0, at) + declarations.join('') + text.slice(at);
}

/** Of names that must be declared; values of other types than Name are text to XML. */
function prefixesOf({ pointer, properties }: DocViewChange): Set<string> {
  const names = [...pointer];
  for (const [name, property] of properties) {
    if (!property) continue;
    names.push(name);
    if (property.type === 'Name') names.push(...propertyTexts(property));
  }
  return new Set(names.filter((name) => name.indexOf(':') > 0).map((name) => name.slice(0, name.indexOf(':'))));
}

function indentOf(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return /^\s*$/.test(line) ? line : '';
}

/** Where the white space before a place starts. */
function startWithSpace(text: string, at: number): number {
  return text.slice(0, at).trimEnd().length;
}
