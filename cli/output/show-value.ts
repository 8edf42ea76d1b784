/** Property values as people and programs read them. */
import type { BinaryValue, Property, Value } from '../../repository/value.js';
import { formatBytes, safeText } from './text.js';

function isBinary(value: Value): value is BinaryValue {
  return typeof value === 'object';
}

/** `{Long} 42`, `["a", "b"]`: text quoted, other types named where the value does not tell them. */
export function showProperty({ type, multiple, values }: Property): string {
  const shown = values.map(showValue);
  const text = multiple ? `[${shown.join(', ')}]` : (shown[0] ?? '');
  return type === 'String' || type === 'Boolean' || type === 'Binary' ? text : `{${type}} ${text}`;
}

function showValue(value: Value): string {
  if (isBinary(value)) return `${formatBytes(value.size)} (${value.size} bytes), sha256 ${value.sha256}`;
  return typeof value === 'string' ? safeText(JSON.stringify(value)) : String(value);
}

/** `{type, value}` or `{type, values}`; binaries without their bytes. */
export function propertyDocument({ type, multiple, values }: Property): object {
  const plain = values.map((value) =>
    isBinary(value) ? { sha256: value.sha256, size: value.size, crc32: value.crc32 } : value,
  );
  return multiple ? { type, values: plain } : { type, value: plain[0] };
}
