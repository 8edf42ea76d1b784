/**
 * Overrides of context-aware configuration, in the notation of Sling's caconfig: `name/property=value`, `name={…}`, each with
 * an optional `[/context/path]` before it; values are JSON. What Sling ignores with a warning is refused here.
 */
import { toProperty } from '../convert-value.js';
import { RepositoryError } from '../errors.js';
import { assertPath, isDescendantOrSelf, nameProblem, printable } from '../path.js';
import type { Property, PropertyInput } from '../value.js';
import { configurationNameProblem } from './configuration-name.js';

export interface ConfigurationOverride {
  /** For this content path and all below; `undefined` for all. */
  readonly contextPath: string | undefined;
  /** Of the configuration: `name`, `list/item`. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, Property>;
  /** Takes the place of everything that is configured, rather than of these properties. */
  readonly isWhole: boolean;
  /** As it was written. */
  readonly text: string;
}

const maximumLength = 64 * 1024;
const notation = /^(?:\[(?<path>[^[\]=]+)\])?(?<name>[^[\]=]+)=(?<value>[^]*)$/;

/** @throws INVALID_VALUE saying what is wrong with the text */
export function parseOverrideString(text: string): ConfigurationOverride {
  const fail = (problem: string) =>
    new RepositoryError(
      'INVALID_VALUE',
      `The configuration override "${printable(text.slice(0, 200))}" ${problem}. It is written [/context/path]name/property=JSON or name={JSON}.`,
    );
  if (text.length > maximumLength) throw fail(`is longer than ${maximumLength} characters`);
  const { path, name = '', value = '' } = notation.exec(text)?.groups ?? {};
  if (name === '') throw fail('has no name before "="');
  const contextPath = path?.trim();
  if (contextPath !== undefined) checkContextPath(contextPath, fail);
  const target = name.trim();
  const json = parseValue(value.trim(), fail);
  const isWhole = isObject(json);
  const slash = target.lastIndexOf('/');
  if (!isWhole && slash < 0) throw fail('names no property: write name/property');
  const configuration = isWhole ? target : target.slice(0, slash);
  const problem = configurationNameProblem(configuration);
  if (problem !== undefined) throw fail(`has a name that ${problem}`);
  const given = isWhole ? Object.entries(json) : [[target.slice(slash + 1), json] as const];
  const properties = new Map(given.map(([property, input]) => [property, readProperty(property, input, fail)]));
  return { contextPath, name: configuration, properties, isWhole, text };
}

/** Overrides that concern a configuration at a content path, in the order given: later ones win. */
export function matchingOverrides(
  overrides: readonly ConfigurationOverride[],
  contentPath: string,
  name: string,
): ConfigurationOverride[] {
  return overrides.filter(
    (override) =>
      override.name === name &&
      (override.contextPath === undefined || isDescendantOrSelf(contentPath, override.contextPath)),
  );
}

type Fail = (problem: string) => RepositoryError;

function checkContextPath(path: string, fail: Fail): void {
  try {
    assertPath(path);
  } catch (error) {
    throw fail(`has a context path that is none: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parseValue(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw fail(`has a value that is no JSON (${error instanceof Error ? error.message : String(error)})`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readProperty(name: string, value: unknown, fail: Fail): Property {
  const problem = nameProblem(name);
  if (problem !== undefined) throw fail(`has a property name that ${problem}`);
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const types = new Set(values.map((one) => typeof one));
  const isPlain = values.every((one) => typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean');
  if (!isPlain || types.size > 1) {
    throw fail(`gives "${printable(name)}" something other than a text, a number, a boolean or a list of one of these`);
  }
  // One number with a fraction makes all of a list Doubles.
  const isDouble = typeof values[0] === 'number' && !values.every((one) => Number.isSafeInteger(one));
  return isDouble
    ? toProperty(name, { type: 'Double', multiple: Array.isArray(value), values: values as number[] })
    : toProperty(name, value as PropertyInput);
}
