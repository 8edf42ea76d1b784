/** The pure rules of authoring: names of parts, merges, differences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conflictLines, mergeTexts } from '../../activities/mail/authoring/merge-text.js';
import { formatPartName, parsePartName, readPartName } from '../../activities/mail/authoring/part-name.js';
import { differenceLines } from '../../activities/mail/authoring/text-difference.js';
import { textsBefore, type VersionChange } from '../../activities/mail/authoring/versions.js';

describe('names of parts', () => {
  it.each([
    ['subject', 'subject@de'],
    ['subject@pt_br', 'subject@pt-BR'],
    ['subject@default', 'subject@default'],
    ['body@en', 'body@en'],
    ['text', 'text@de'],
    ['partial:file-list', 'partial:file-list'],
    ['own/partial:header', 'own/partial:header'],
    ['theme.logoUrl', 'theme.logoUrl'],
    ['own/theme.color', 'own/theme.color'],
    ['sample', 'sample'],
  ])('reads %s as %s', (typed, name) => {
    expect(formatPartName(parsePartName(typed, 'de'))).toBe(name);
    expect(formatPartName(readPartName(name))).toBe(name);
  });
  it.each([
    '',
    'subject:de',
    'subject@',
    'subject@../x',
    'body@default',
    'partial:../../x',
    'partial:',
    'partial.header',
    'theme:color',
    'theme.jcr:title',
    'own/subject@de',
    'own/sample',
    'sample@de',
    'else',
    `theme.${'x'.repeat(101)}`,
  ])('refuses "%s"', (typed) => {
    expect(() => parsePartName(typed, 'de')).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
  it('never lets a name leave its folder', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom('subject@', 'body@', 'text@', 'partial:', 'theme.', 'own/theme.'),
        (of, kind) => {
          try {
            expect(parsePartName(`${kind}${of}`, 'de').of).toMatch(/^[\w-]+$/);
          } catch (error) {
            expect(error).toMatchObject({ code: 'INVALID_REQUEST' });
          }
        },
      ),
    );
  });
});

const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 8 }).map((lines) => lines.join('\n'));

describe('a three-way merge', () => {
  it('takes the side that changed, and either where both say the same', () => {
    fc.assert(
      fc.property(text, text, (base, changed) => {
        expect(mergeTexts(changed, base, base)).toEqual({ text: changed, conflicts: [] });
        expect(mergeTexts(base, base, changed)).toEqual({ text: changed, conflicts: [] });
        expect(mergeTexts(changed, base, changed)).toEqual({ text: changed, conflicts: [] });
      }),
    );
  });
  it('marks every conflict at the line it names, and only then leaves marks', () => {
    fc.assert(
      fc.property(text, text, text, (ours, base, theirs) => {
        const { text: merged, conflicts } = mergeTexts(ours, base, theirs);
        const lines = merged.split('\n');
        for (const line of conflicts) expect(lines[line - 1]).toBe('<<<<<<< yours');
        expect(conflictLines(merged)).toHaveLength(2 * conflicts.length);
      }),
    );
  });
  it('merges changes of different lines, and marks those of the same', () => {
    expect(mergeTexts('A\nb\nc', 'a\nb\nc', 'a\nb\nC')).toEqual({ text: 'A\nb\nC', conflicts: [] });
    expect(mergeTexts('x\nA', 'x\na', 'x\nÄ')).toEqual({
      text: 'x\n<<<<<<< yours\nA\n||||||| customised from\na\n=======\nÄ\n>>>>>>> now below',
      conflicts: [2],
    });
  });
});

describe('a difference', () => {
  it('holds both texts', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = differenceLines(before, after).filter((line) => line !== ' …');
        const changed = (mark: string) => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(1));
        const count = (all: readonly string[], line: string) => all.filter((one) => one === line).length;
        // What only one side has more often is marked so.
        for (const line of new Set([...before.split('\n'), ...after.split('\n')])) {
          const more = count(after.split('\n'), line) - count(before.split('\n'), line);
          expect(count(changed('+'), line) - count(changed('-'), line)).toBe(more);
        }
      }),
    );
  });
});

describe('the state before some versions', () => {
  it('is undone version by version, the newest first', () => {
    const value = fc.option(fc.constantFrom('1', '2', '3'), { nil: null });
    const step = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { minKeys: 1 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), fc.nat(8), (steps, kept) => {
        const states: Record<string, string | null>[] = [{ a: null, b: null, c: null }];
        const versions: VersionChange[][] = steps.map((set) => {
          const now = states.at(-1) ?? {};
          states.push({ ...now, ...set });
          return Object.entries(set).map(([part, after]) => ({ part, before: now[part] ?? null, after, base: null }));
        });
        const target = Math.min(kept, steps.length);
        const back = textsBefore(versions.slice(target).reverse());
        expect({ ...states.at(-1), ...Object.fromEntries(back) }).toEqual(states[target]);
      }),
    );
  });
});
