/**
 * A setting is a plain data object: where it is stored, what values it takes, and what it is for. Everything an administrator
 * may change by a value is one; readers, checks, commands and docs/settings.md go by these objects alone.
 */
import type { z } from 'zod';

/** Types of JCR properties that settings have; values of other types convert (parse-value.ts). */
export type SettingType = 'Long' | 'Double' | 'Boolean' | 'String' | 'String[]';

export interface SettingDefinition<Value = unknown> {
  /** Below `settings` of every layer: `dam/download`. A last name `*` stands for each child, as of `dam/imagepresets`. */
  readonly path: string;
  /** Of the property. */
  readonly name: string;
  readonly type: SettingType;
  /** Checks a value that is of the type already; its messages continue `"maxAssets" …`. */
  readonly schema: z.ZodType<Value>;
  /** What one of it is: `bytes`, `seconds`. */
  readonly unit?: string;
  /** In force where neither a layer nor the deployment says otherwise. */
  readonly default: Value;
  readonly title: string;
  readonly description: string;
  /** The files that read it, from the package's root. */
  readonly usedBy: readonly string[];
  /**
   * `tenant`: each has its own. `installation`: there is one, read for `global`; a tenant cannot have another.
   * Default `tenant`.
   */
  readonly scope?: 'tenant' | 'installation';
}

/** Gives the definition back with its types. */
export function defineSetting<Value>(definition: SettingDefinition<Value>): SettingDefinition<Value> {
  return definition;
}

/** How people name it: `dam/download/maxAssets`. */
export function settingName({ path, name }: Pick<SettingDefinition, 'path' | 'name'>): string {
  return `${path}/${name}`;
}
