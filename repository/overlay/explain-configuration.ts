/** Why a context-aware configuration looks as it does. */
import { explainProperties, shorten, type ExplainedProperty } from './explain.js';
import type { HiddenItem } from './api.js';
import type { ConfigurationCollection, ConfigurationPlace, ResolvedConfiguration } from './configuration.js';

export interface ExplainedConfiguration {
  readonly name: string;
  /** Where was looked, nearest first. */
  readonly places: readonly ConfigurationPlace[];
  readonly properties: readonly ExplainedProperty[];
  readonly hidden: readonly HiddenItem[];
}

export interface ExplainedCollection {
  readonly name: string;
  readonly places: readonly ConfigurationPlace[];
  readonly items: readonly ExplainedConfiguration[];
}

export function explainConfiguration({ name, resource, places }: ResolvedConfiguration): ExplainedConfiguration {
  return { name, places, properties: resource ? explainProperties(resource) : [], hidden: resource?.hidden ?? [] };
}

export function explainCollection({ name, items, places }: ConfigurationCollection): ExplainedCollection {
  return { name, places, items: items.map(explainConfiguration) };
}

/** For people, one line a part. */
export function renderConfiguration(configuration: ExplainedConfiguration, contentPath: string): string[] {
  return [
    `${configuration.name} for ${contentPath}`,
    ...placeLines(configuration.places),
    '',
    ...propertyLines(configuration, ''),
  ];
}

export function renderCollection({ name, items, places }: ExplainedCollection, contentPath: string): string[] {
  const lines = items.flatMap((item) => [item.name, ...propertyLines(item, '  ')]);
  return [
    `${name} for ${contentPath}`,
    ...placeLines(places),
    '',
    ...(lines.length > 0 ? lines : ['no place has an item']),
  ];
}

function placeLines(places: readonly ConfigurationPlace[]): string[] {
  return [
    'places, nearest first:',
    ...places.map(({ label, source, found, used }) => `  ${used ? '●' : found ? '◌' : '○'} ${label}  ${source}`),
  ];
}

function propertyLines({ properties, hidden }: ExplainedConfiguration, indent: string): string[] {
  return [
    ...properties.map(({ name, values, layer, overrides }) => {
      const hides = overrides.map((below) => `${below.layer} ${shorten(below.values)}`).join(', ');
      return `${indent}@${name} = ${shorten(values)}  ← ${layer}${hides && `, hides ${hides}`}`;
    }),
    ...hidden.map(({ name, by, of }) => `${indent}✕ @${name}  hidden by ${by}, of ${of.join(', ')}`),
  ];
}
