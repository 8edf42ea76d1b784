/** Metadata as it is typed: `name=value`, with the types and lists of other assignments. */
import { SatchelError } from '../workflows/contract/errors.js';
import type { JsonObject, JsonValue } from '../workflows/contract/model.js';
import { parseAssignments } from './assignments.js';

export const metadataHelp =
  'name=value; true, false and numbers are taken as such, name:String=5 is text, name[]=a,b a list';

/** @throws SatchelError INVALID_REQUEST */
export function parseMetadata(typed: readonly string[]): JsonObject {
  const map: [string, JsonValue][] = [];
  for (const [name, { texts, type, multiple }] of Object.entries(parseAssignments(typed))) {
    const values = texts.map((text) => valueOf(name, text, type));
    map.push([name, multiple ? values : (values[0] ?? '')]);
  }
  return Object.fromEntries(map);
}

function valueOf(name: string, text: string, type: string | undefined): JsonValue {
  const isNumber = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/.test(text);
  const isBoolean = text === 'true' || text === 'false';
  const wrong = () => new SatchelError('INVALID_REQUEST', `metadata: "${name}" is no ${type ?? ''}: ${text}.`);
  switch (type) {
    case undefined:
      return isBoolean ? text === 'true' : isNumber ? Number(text) : text;
    case 'Boolean':
      if (!isBoolean) throw wrong();
      return text === 'true';
    case 'Long':
    case 'Double':
    case 'Decimal':
      if (!isNumber || (type === 'Long' && text.includes('.'))) throw wrong();
      return Number(text);
    default:
      return text;
  }
}
