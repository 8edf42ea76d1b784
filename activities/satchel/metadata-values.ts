/**
 * The metadata map of a workflow travels through its history, so that what is large goes by reference: a Binary on the request
 * node, `<request>/values`, and in the map `{ "satchel:value": "<its property>", "bytes": … }`.
 */
import type { Session } from '../../repository/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { JsonObject, JsonValue } from '../../workflows/contract/model.js';

/** As JSON. What is larger goes by reference. */
const maxInlineBytes = 2 * 1024;
/** Of the map with its references, as JSON (`WorkflowInput.metadata`). */
const maxMapBytes = 16 * 1024;
const maxValueBytes = 4 * 1024 * 1024;
const maxNames = 200;

const valuesName = 'values';
const referenceName = 'satchel:value';
/** Names that conditions can speak of. */
const metadataName = /^[\p{L}_][\p{L}\p{N}_.-]{0,99}$/u;

/** @throws SatchelError INVALID_REQUEST for names and sizes that no metadata map holds */
export function checkMetadata(metadata: JsonObject): void {
  const names = Object.keys(metadata);
  const problem = (text: string) => new SatchelError('INVALID_REQUEST', `metadata: ${text}.`);
  if (names.length > maxNames) throw problem(`holds ${names.length} names, more than ${maxNames}`);
  for (const [name, value] of Object.entries(metadata)) {
    if (!metadataName.test(name)) {
      const shown = JSON.stringify(name.slice(0, 100));
      throw problem(`${shown} is no name: letters, digits and _ . - after a letter, at most 100 characters`);
    }
    const bytes = sizeOf(value);
    if (bytes > maxValueBytes) throw problem(`"${name}" takes ${bytes} bytes, more than ${maxValueBytes}`);
  }
}

/**
 * Puts the large values of a map onto a request node, unsaved.
 * @returns the map with references in their places @throws SatchelError INVALID_REQUEST
 */
export async function keepLargeValues(session: Session, request: string, metadata: JsonObject): Promise<JsonObject> {
  const map: JsonObject = {};
  for (const [index, [name, value]] of Object.entries(metadata).entries()) {
    map[name] = value;
    const bytes = sizeOf(value);
    if (isReference(value) || bytes <= maxInlineBytes) continue;
    const property = `value${index}`;
    await session.ensureNode(`${request}/${valuesName}`);
    await session.setProperties(`${request}/${valuesName}`, {
      [property]: await session.createBinary(JSON.stringify(value)),
    });
    map[name] = { [referenceName]: property, bytes };
  }
  const bytes = sizeOf(map);
  if (bytes > maxMapBytes) {
    throw new SatchelError('INVALID_REQUEST', `metadata: takes ${bytes} bytes in all, more than ${maxMapBytes}.`);
  }
  return map;
}

/** Gives a new run the large values of an earlier one, unsaved. */
export async function copyLargeValues(session: Session, from: string, to: string): Promise<void> {
  if (await session.findNode(`${from}/${valuesName}`))
    await session.copy(`${from}/${valuesName}`, `${to}/${valuesName}`);
}

/** A value of the map, fetched where it is a reference. @param request path of the request or instance node */
export async function readMetadataValue(
  session: Session,
  request: string,
  metadata: JsonObject | undefined,
  name: string,
): Promise<JsonValue | undefined> {
  const value = metadata && Object.hasOwn(metadata, name) ? metadata[name] : undefined;
  if (!isReference(value)) return value;
  const binary = (await session.findNode(`${request}/${valuesName}`))?.binary(value[referenceName]);
  if (!binary) throw new SatchelError('STEP_FAILED', `The metadata value "${name}" of ${request} is gone.`);
  return JSON.parse(new TextDecoder().decode(await session.readBinary(binary))) as JsonValue;
}

function isReference(value: JsonValue | undefined): value is { [referenceName]: string } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && typeof value[referenceName] === 'string'
  );
}

function sizeOf(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}
