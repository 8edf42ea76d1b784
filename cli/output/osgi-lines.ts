/** Lines about OSGi configurations. */
import type { OsgiConfigurationView, OsgiPropertyView } from '../../engine/osgi-view.js';
import { safeText } from './text.js';

/** `shadowed by /apps/…`, `inactive: needs publish`, `active`, … */
export function stateText({ state, shadowedBy, overruledBy, runModes, problems }: OsgiConfigurationView): string {
  if (state === 'inactive') return `inactive: needs ${runModes}`;
  if (state === 'shadowed') return shadowedBy === undefined ? 'shadowed' : `shadowed by ${shadowedBy}`;
  if (state === 'broken') return 'broken: does not count';
  if (overruledBy !== undefined) return `overruled by ${overruledBy}`;
  return problems.length > 0 ? 'active in its last good version' : 'active';
}

/** What it means here: `dam/download/maxBytes = 102400`. */
export function effectTexts({ title, properties }: OsgiConfigurationView): string[] {
  if (title === undefined) return ['unknown PID: kept, without effect'];
  return properties.flatMap((property) => {
    if (property.settings.length > 0) return property.settings.map((name) => `${name} = ${valuesText(property)}`);
    return property.effect === undefined
      ? [`${property.name}: no effect here`]
      : [`${property.name} = ${valuesText(property)}`];
  });
}

export function problemTexts({ path, problems }: OsgiConfigurationView): string[] {
  return problems.map(({ line, column, message }) =>
    safeText(`${path}:${line}${column === undefined ? '' : `:${column}`}: ${message}`),
  );
}

/** Secrets as stars, however long they are. */
export function valuesText({ values, shape }: OsgiPropertyView): string {
  if (!values) return '****';
  const texts = values.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value)));
  return safeText(shape === 'scalar' ? texts.join('') : `[${texts.join(', ')}]`);
}
