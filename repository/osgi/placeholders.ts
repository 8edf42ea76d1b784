/**
 * Placeholders in values, as Apache Felix's interpolation plugin for the Configuration Admin has them and AEM's deployments use
 * them: `$[env:NAME]`, `$[secret:NAME]`, with `;default=…`, `;type=Integer` and, for lists, `;type=String[];delimiter=,`.
 * `\$[env:NAME]` stands for itself. Pure.
 */
import { printable } from '../path.js';
import {
  OsgiProperties,
  osgiTypes,
  valueFromText,
  type OsgiProperty,
  type OsgiType,
  type OsgiValue,
} from './configuration.js';

/** What stands for a placeholder, or why nothing does; continues `the variable NAME `. */
export type PlaceholderValue = { readonly text: string } | { readonly missing: string };

export interface PlaceholderSource {
  find(kind: 'env' | 'secret', name: string): PlaceholderValue;
}

const placeholder = /(\\?)\$\[([a-z]+):([^\];]{1,200})((?:;(?:\[\]|[^\]]){0,2000})?)\]/g;

/** The properties with their placeholders replaced. One that nothing stands for stays as it is written, and says why. */
export function replacePlaceholders(properties: OsgiProperties, source: PlaceholderSource): OsgiProperties {
  const replaced = new OsgiProperties();
  for (const property of properties) replaced.add(hasPlaceholder(property) ? replaceIn(property, source) : property);
  return replaced;
}

function hasPlaceholder({ values }: OsgiProperty): boolean {
  return values.some((value) => typeof value === 'string' && value.includes('$['));
}

function replaceIn(property: OsgiProperty, source: PlaceholderSource): OsgiProperty {
  const remarks: { problem?: string; isSecret?: true } = {};
  const look = (kind: string, name: string, directives: ReadonlyMap<string, string>): string | undefined => {
    if (kind === 'secret') remarks.isSecret = true;
    const found: PlaceholderValue =
      kind === 'env' || kind === 'secret'
        ? source.find(kind, name)
        : { missing: `has the kind "${kind}", and only env and secret are known` };
    const text = 'text' in found ? found.text : directives.get('default');
    if (text === undefined && 'missing' in found)
      remarks.problem ??= `the variable ${printable(name)} ${found.missing}`;
    return text;
  };
  const replaceAll = (text: string) =>
    text.replace(placeholder, (all, escape: string, kind: string, name: string, rest: string) =>
      escape === '' ? (look(kind, name, directivesOf(rest)) ?? all) : all.slice(1),
    );

  const [only] = property.values;
  const typed = property.shape === 'scalar' && typeof only === 'string' ? typedPlaceholder(only) : undefined;
  let changed: Pick<OsgiProperty, 'type' | 'shape' | 'values'> = property;
  if (typed) {
    const text = look(typed.kind, typed.name, typed.directives);
    const converted = text === undefined ? undefined : convert(text, typed.type, typed.isList, typed.directives);
    if (typeof converted === 'string') remarks.problem ??= converted;
    else if (converted) changed = converted;
  } else {
    changed = {
      ...property,
      values: property.values.map((value) => (typeof value === 'string' ? replaceAll(value) : value)),
    };
  }
  return { ...property, ...changed, ...remarks };
}

/** A placeholder with a type is the value as a whole. */
function typedPlaceholder(text: string) {
  const [match] = text.matchAll(placeholder);
  const [all, escape, kind = '', name = '', rest = ''] = match ?? [];
  const directives = directivesOf(rest);
  const [, type = '', list] = /^(\w+)(\[\])?$/.exec(directives.get('type') ?? '') ?? [];
  if (all !== text || escape !== '' || type === '') return undefined;
  return { kind, name, directives, type: type.toLowerCase(), isList: list !== undefined };
}

function directivesOf(rest: string): Map<string, string> {
  return new Map(
    rest
      .split(';')
      .filter((directive) => directive.includes('='))
      .map((directive): [string, string] => {
        const at = directive.indexOf('=');
        return [directive.slice(0, at).trim(), directive.slice(at + 1)];
      }),
  );
}

/** Java's primitive types are meant as well. */
const typesByName = new Map<string, OsgiType>([
  ...osgiTypes.map((type): [string, OsgiType] => [type.toLowerCase(), type]),
  ['int', 'Integer'],
  ['char', 'Character'],
]);

/** @returns what is wrong with it, as a text */
function convert(
  text: string,
  typeName: string,
  isList: boolean,
  directives: ReadonlyMap<string, string>,
): Pick<OsgiProperty, 'type' | 'shape' | 'values'> | string {
  const type = typesByName.get(typeName);
  if (!type) return `the type "${printable(typeName)}" is none of ${osgiTypes.join(', ')}`;
  const texts = isList ? text.split(directives.get('delimiter') ?? ',') : [text];
  const values = texts.map((one): OsgiValue | undefined => valueFromText(type, one));
  if (values.includes(undefined)) return `what it stands for is no ${type}`;
  return { type, shape: isList ? 'array' : 'scalar', values: values.filter((value) => value !== undefined) };
}
