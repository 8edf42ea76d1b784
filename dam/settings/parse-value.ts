/** From what a layer holds to a setting's value. Pure. */
import type { SettingDefinition, SettingType } from './define-setting.js';

export type ParsedValue<Value> =
  | { readonly ok: true; readonly value: Value }
  | {
      readonly ok: false;
      /** Continues `"maxAssets" `: `must be a whole number from 1, it is "many"`. */
      readonly problem: string;
    };

/** Values longer than this are cut in messages. */
const shownCharacters = 80;

/**
 * Content comes from many places, so a value counts by what it says: `50` as Long, Double or text, `"true"` for a Boolean, one
 * value where a list is wanted and the other way round. Text may carry its type as in FileVault's files, `{Long}50`.
 * @param held the property's values, as the repository or a configuration file has them
 */
export function parseValue<Value>(definition: SettingDefinition<Value>, held: readonly unknown[]): ParsedValue<Value> {
  const { type, schema } = definition;
  const wrong = (problem: string): ParsedValue<Value> => ({ ok: false, problem: `${problem}, it is ${shown(held)}` });
  if (type !== 'String[]' && held.length !== 1) return wrong('must be one value');
  const converted = held.map((value) => convert(type, value));
  if (converted.includes(undefined)) return wrong(`must be ${typeWords[type]}`);
  const parsed = schema.safeParse(type === 'String[]' ? converted : converted[0]);
  return parsed.success ? { ok: true, value: parsed.data } : wrong(parsed.error.issues[0]?.message ?? 'is not allowed');
}

const typeWords: Readonly<Record<SettingType, string>> = {
  Long: 'a whole number',
  Double: 'a number',
  Boolean: '"true" or "false"',
  String: 'a text',
  'String[]': 'texts',
};

function convert(type: SettingType, value: unknown): string | number | boolean | undefined {
  const text = typeof value === 'string' ? value.replace(/^\{[A-Z][A-Za-z]+\}/u, '') : value;
  switch (type) {
    case 'Long':
      return wholeNumber(text);
    case 'Double':
      return anyNumber(text);
    case 'Boolean':
      if (typeof text === 'boolean') return text;
      return text === 'true' ? true : text === 'false' ? false : undefined;
    default:
      return asText(text);
  }
}

/** Of a value that is one: not of bytes. */
function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return ['number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && !/^\s*[+-]?\d+\s*$/u.test(value) ? undefined : anyNumber(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

function anyNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function shown(held: readonly unknown[]): string {
  if (held.length === 0) return 'an empty list';
  const text = held.map((value) => JSON.stringify(asText(value) ?? 'bytes')).join(', ');
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}
