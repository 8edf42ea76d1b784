import type { Property, Value } from './value.js';

/** @returns `undefined` for no value, and for a binary */
export function valueText(value: Value | undefined): string | undefined {
  return value === undefined || typeof value === 'object' ? undefined : String(value);
}

/** Every value that is not a binary. */
export function propertyTexts(property: Property | undefined): string[] {
  return (property?.values ?? []).flatMap((value) => valueText(value) ?? []);
}
