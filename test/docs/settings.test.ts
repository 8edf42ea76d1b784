/** docs/settings.md, the content of /libs and the readers all say what the definitions say. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SettingDefinition } from '../../dam/settings/define-setting.js';
import { settingName } from '../../dam/settings/define-setting.js';
import * as definitions from '../../dam/settings/definitions.js';
import { parseValue } from '../../dam/settings/parse-value.js';

const { settingDefinitions } = definitions;
const textOf = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

const rows = [
  ...textOf('docs/settings.md').matchAll(/^\| `([^`]+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+) \|$/gm),
].map(([, name, type, fallback, scope, usedBy, meaning]) => ({ name, type, fallback, scope, usedBy, meaning }));

function shownDefault({ default: value }: SettingDefinition): string {
  return value === undefined ? 'none' : `\`${JSON.stringify(value)}\``;
}

describe('docs/settings.md', () => {
  it('lists exactly the settings there are, in their order, with type, unit, default, scope, use and meaning', () => {
    expect(rows).toEqual(
      settingDefinitions.map((definition) => {
        const { type, unit, scope = 'tenant', usedBy, title, description } = definition;
        return {
          name: settingName(definition),
          type: unit === undefined ? type : `${type}, ${unit}`,
          fallback: shownDefault(definition),
          scope,
          usedBy: usedBy.map((file) => `\`${file}\``).join(', ') || 'nothing yet',
          meaning: `**${title}.** ${description}`,
        };
      }),
    );
  });
});

describe('the definitions', () => {
  const constants = Object.entries(definitions).flatMap(([name, value]) =>
    'path' in value ? [[name, value as SettingDefinition] as const] : [],
  );

  it('are all in the list, each once', () => {
    expect(constants.map(([, definition]) => settingName(definition)).sort()).toEqual(
      settingDefinitions.map(settingName).sort(),
    );
    expect(new Set(settingDefinitions.map(settingName)).size).toBe(settingDefinitions.length);
  });

  it.each(constants)('of %s names files that read it', (name, { usedBy }) => {
    for (const file of usedBy) expect(textOf(file)).toContain(name);
  });

  it.each(settingDefinitions.filter((definition) => definition.default !== undefined))(
    'of $path/$name has a default that it allows itself',
    (definition) => {
      const held = Array.isArray(definition.default) ? (definition.default as unknown[]) : [definition.default];
      expect(parseValue(definition, held)).toEqual({ ok: true, value: definition.default });
    },
  );

  it('say of downloads what the content of /libs says', () => {
    const content = JSON.parse(textOf('dam/default-settings/download/.content.json')) as Record<string, unknown>;
    const names = Object.keys(content).filter((name) => !name.includes(':'));
    const expected = settingDefinitions.filter(({ path }) => path === 'dam/download');
    expect(Object.fromEntries(names.map((name) => [name, content[name]]))).toEqual(
      Object.fromEntries(expected.map((definition) => [definition.name, definition.default])),
    );
  });
});
