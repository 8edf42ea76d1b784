/** The commands of docs/templates.md run in their order and answer as the page says; `…` stands for anything. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCommandWorld, type CommandWorld } from '../cli/command-world.js';

interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

const page = await readFile(new URL('../../docs/templates.md', import.meta.url), 'utf8');
const steps: Step[] = [...page.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = '', ...output] = text.trimEnd().split('\n');
      return { command, output };
    }),
);

let world: CommandWorld;
beforeAll(async () => {
  world = await createCommandWorld();
});
afterAll(async () => world.close());

describe('docs/templates.md', () => {
  it('shows the whole journey', () => {
    const commands = steps.map(({ command }) => command.split(' ').slice(1, 3).join(' '));
    for (const verb of ['customise', 'edit', 'preview', 'send-test', 'publish', 'rollback', 'history']) {
      expect(commands).toContain(`template ${verb}`);
    }
  });
  it.each(steps)('$command', async ({ command, output }) => {
    const [program, ...args] = wordsOf(command);
    expect(program).toBe('satchel');
    const { code, stdout, stderr } = await world.run(...args);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(patternOf(output));
  });
});

/** As a shell takes them, single quotes included. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** Blanks that line columns up do not count; a line of `…` alone is any number of lines, or none. */
function patternOf(lines: readonly string[]): RegExp {
  const pattern = lines.map((line) => {
    if (line.trim() === '…') return '(?:.*\n)*';
    const pieces = line.split('…').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +'));
    return `${pieces.join('.*')} *\n`;
  });
  return new RegExp(`^${pattern.join('')}$`, 'u');
}
