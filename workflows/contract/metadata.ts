/** The metadata map of a workflow: values that steps, people and launches leave for later steps and for conditions. */
import type { JsonObject, JsonValue } from './model.js';

/** As JSON in UTF-8. */
export const maxMetadataBytes = 16 * 1024;

/** The map with `changes` in it; `null` removes a name. Neither argument is changed. */
export function mergeMetadata(map: JsonObject, changes: JsonObject): JsonObject {
  // Entries, not assignments: `__proto__` is a name like any other.
  return Object.fromEntries(Object.entries({ ...map, ...changes }).filter(([, value]) => value !== null));
}

/** The changes that make `after` of `before`. */
export function metadataChanges(before: JsonObject, after: JsonObject): JsonObject {
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  const changed = Object.entries(after).filter(
    ([name, value]) => !Object.hasOwn(before, name) || JSON.stringify(before[name]) !== JSON.stringify(value),
  );
  return Object.fromEntries([...removed.map((name) => [name, null] as const), ...changed]);
}

/** @returns what is wrong with the map, or `undefined` */
export function metadataProblem(map: JsonObject): string | undefined {
  const bytes = jsonBytes(map);
  return bytes <= maxMetadataBytes
    ? undefined
    : `The metadata map would hold ${bytes} bytes, more than ${maxMetadataBytes}. Keep large values in the repository and put their path here.`;
}

/** Bytes of a value as JSON in UTF-8. */
export function jsonBytes(value: JsonValue): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
