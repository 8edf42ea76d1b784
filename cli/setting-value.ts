/** How commands show settings. */
import type { SettingDefinition } from '../dam/settings/define-setting.js';
import { formatBytes, safeText } from './output/text.js';

/** `500 assets`, `1073741824 bytes (1.0 GiB)`, `"cq5dam.web.*", "*.png"`, `–` for none. */
export function showSetting({ unit, type }: Pick<SettingDefinition, 'unit' | 'type'>, value: unknown): string {
  if (value === undefined) return '–';
  if (Array.isArray(value))
    return value.length === 0 ? 'none' : value.map((one) => safeText(JSON.stringify(one))).join(', ');
  const text = safeText(asText(value));
  if (unit === undefined || type === 'String') return text;
  return unit === 'bytes' && Number(value) >= 1024
    ? `${text} bytes (${formatBytes(Number(value))})`
    : `${text} ${unit}`;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
