/** Property values as JCR has them (JCR 2.0, section 3.6.1), in the shapes a TypeScript reader expects. */
import type { BlobInfo } from './store/contract.js';

export type PropertyType =
  | 'String'
  | 'Binary'
  | 'Long'
  | 'Double'
  | 'Decimal'
  | 'Date'
  | 'Boolean'
  | 'Name'
  | 'Path'
  | 'Reference'
  | 'WeakReference'
  | 'URI';

/** Bytes by content: where they lie, or, when small, the bytes themselves. */
export interface BinaryValue extends BlobInfo {
  /** Base64 of the whole content, for small values that have no blob of their own. */
  readonly inline?: string;
}

/**
 * One value. Long is a number, a bigint only beyond ±(2^53 − 1); Double a number; Boolean a boolean; Binary a BinaryValue;
 * Decimal and Date are strings (Date: ISO 8601 with milliseconds and its own offset, `2022-08-12T17:03:04.195Z`);
 * all others are strings.
 */
export type Value = string | number | bigint | boolean | BinaryValue;

export interface Property {
  readonly type: PropertyType;
  readonly multiple: boolean;
  /** Exactly one when `multiple` is false. */
  readonly values: readonly Value[];
}

/**
 * What setters accept. Plain values choose their type: string → String, whole number or bigint → Long, other number →
 * Double, boolean → Boolean, Date → Date, BinaryValue → Binary; an array is a multi-valued property of its first
 * element's type (an empty one is String). A Property says it exactly.
 */
export type PropertyInput = Value | Date | readonly (Value | Date)[] | Property;
