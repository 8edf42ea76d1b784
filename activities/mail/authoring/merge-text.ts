/** Three-way merges of texts, line by line, with git's marks where both sides changed the same lines. */
import { diff3Merge } from 'node-diff3';

export interface MergedText {
  readonly text: string;
  /** 1-based lines where a conflict begins. */
  readonly conflicts: readonly number[];
}

const marks = {
  ours: '<<<<<<< yours',
  base: '||||||| customised from',
  middle: '=======',
  theirs: '>>>>>>> now below',
};

/** @param ours the customised text @param base what both were made from @param theirs what `base` has become */
export function mergeTexts(ours: string, base: string, theirs: string): MergedText {
  const lines: string[] = [];
  const conflicts: number[] = [];
  for (const { ok, conflict } of diff3Merge(ours.split('\n'), base.split('\n'), theirs.split('\n'), {
    excludeFalseConflicts: true,
  })) {
    if (ok) lines.push(...ok);
    if (!conflict) continue;
    conflicts.push(lines.length + 1);
    lines.push(marks.ours, ...conflict.a, marks.base, ...conflict.o, marks.middle, ...conflict.b, marks.theirs);
  }
  return { text: lines.join('\n'), conflicts };
}

/** 1-based lines that begin a conflict. */
export function conflictLines(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (line === marks.ours || line === marks.theirs ? [index + 1] : []));
}
