import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingName } from '../../dam/settings/define-setting.js';
import { osgiMappings } from '../../engine/osgi-mappings.js';

const page = readFileSync(new URL('../../docs/osgi.md', import.meta.url), 'utf8');
const table = page.slice(page.indexOf('| PID and property |'));

describe('docs/osgi.md', () => {
  it('lists every PID and property with what it sets, in the order of the table', () => {
    const rows = [...table.matchAll(/^\| `([\w. ]+)` \| ?(.*?) ?\|$/gm)].map(([, name, sets]) => [name, sets]);
    const expected = osgiMappings.flatMap(({ pid, properties }) => [
      [pid, ''],
      ...Object.entries(properties).map(([name, { settings, effect = '–' }]) => [
        name,
        settings?.map((definition) => `\`${settingName(definition)}\``).join(', ') ?? effect,
      ]),
    ]);
    expect(rows).toEqual(expected);
  });
});
