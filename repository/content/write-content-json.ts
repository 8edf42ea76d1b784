/** `.content.json` as text: what content-json.ts reads, written. */
import { RepositoryError } from '../errors.js';
import { printable } from '../path.js';
import type { Property, Value } from '../value.js';
import { parseContentJson } from './content-json.js';
import { propertiesEqual } from '../convert-value.js';
import type { JsonDocument, JsonMember } from './json-document.js';

export type JsonObject = JsonDocument & { readonly kind: 'object' };

export function jsonObject(members: readonly JsonMember[] = []): JsonObject {
  return { kind: 'object', line: 1, members };
}

/** With two blanks a level and a line feed at the end, as `JSON.stringify` and most editors have it. */
export function renderJson(document: JsonDocument): string {
  return `${render(document, '')}\n`;
}

function render(document: JsonDocument, indent: string): string {
  const inner = `${indent}  `;
  switch (document.kind) {
    case 'object': {
      const members = document.members.map(({ name, value }) => `${JSON.stringify(name)}: ${render(value, inner)}`);
      return members.length === 0 ? '{}' : `{\n${inner}${members.join(`,\n${inner}`)}\n${indent}}`;
    }
    case 'array': {
      const items = document.items.map((item) => render(item, inner));
      return items.length === 0 ? '[]' : `[\n${inner}${items.join(`,\n${inner}`)}\n${indent}]`;
    }
    case 'scalar':
      return typeof document.value === 'bigint' ? String(document.value) : JSON.stringify(document.value);
  }
}

/** @throws INVALID_VALUE for what a document cannot hold: a binary */
export function jsonProperty(path: string, name: string, property: Property): JsonDocument {
  const fail = (problem: string) =>
    new RepositoryError(
      'INVALID_VALUE',
      `The property "${printable(name)}" of ${path} cannot be written into .content.json: ${problem}.`,
      { paths: [path] },
    );
  if (property.type === 'Binary') throw fail('it is a binary');
  const document = isPlain(name, property)
    ? property.multiple
      ? list(property.values.map(scalar))
      : scalar(property.values[0] ?? '')
    : scalar(typedText(property));
  const read = parseContentJson(renderJson(jsonObject([{ name, line: 1, value: document }])), path).properties;
  if (propertiesEqual(read.get(name), property)) return document;
  throw fail(`JSON has no form for this ${property.type}`);
}

/** Whether JSON's own values say it all, with the type they are read as. */
function isPlain(name: string, { type, multiple, values }: Property): boolean {
  const isTypeName = name === 'jcr:primaryType' || name === 'jcr:mixinTypes';
  switch (type) {
    case 'String':
      return !isTypeName && (multiple || !looksTyped(values[0]));
    case 'Name':
      return isTypeName;
    case 'Boolean':
    case 'Long':
      return values.length > 0;
    case 'Double':
      return values.length > 0 && values.every((value) => Number.isFinite(value) && !Number.isInteger(value));
    default:
      return false;
  }
}

function looksTyped(text: Value | undefined): boolean {
  return typeof text === 'string' && /^\{\w+(\[\])?\}/.test(text);
}

/** `{Date}2022-08-12T17:03:04.195Z`, `{Name[]}a,b`: the values in document view notation. */
function typedText({ type, multiple, values }: Property): string {
  const texts = values.map((value) => (typeof value === 'object' ? '' : Object.is(value, -0) ? '-0' : String(value)));
  const escaped = texts.map((text) => text.replace(/[\\,[{]/g, '\\$&'));
  if (!multiple) return `{${type}}${escaped.join('')}`;
  return `{${type}[]}${texts.length === 1 && texts[0] === '' ? '\\0' : escaped.join(',')}`;
}

function scalar(value: Value): JsonDocument {
  return { kind: 'scalar', line: 1, value: typeof value === 'object' ? null : value };
}

function list(items: readonly JsonDocument[]): JsonDocument {
  return { kind: 'array', line: 1, items };
}

export function memberOf(object: JsonObject | undefined, name: string): JsonDocument | undefined {
  return object?.members.find((member) => member.name === name)?.value;
}

/** The object with a member replaced in its place, appended, or, with `undefined`, left out. */
export function withMember(object: JsonObject, name: string, value: JsonDocument | undefined): JsonObject {
  const at = object.members.findIndex((member) => member.name === name);
  const members = [...object.members];
  if (value === undefined) return { ...object, members: members.filter((member) => member.name !== name) };
  const member = { name, line: 1, value };
  if (at >= 0) members[at] = member;
  // Properties stand before children, as people write them.
  else if (value.kind === 'object') members.push(member);
  else {
    const firstChild = members.findIndex((other) => other.value.kind === 'object');
    members.splice(firstChild < 0 ? members.length : firstChild, 0, member);
  }
  return { ...object, members };
}
