/** The difference of two texts, line by line, for people. */
import { diffComm } from 'node-diff3';

const contextLines = 2;

/** Lines marked `-` (before only), `+` (after only) and ` ` (both, near a difference); `…` where more of them are left out. */
export function differenceLines(before: string | null, after: string | null): string[] {
  const linesOf = (text: string | null) => (text === null ? [] : text.split('\n'));
  const lines: string[] = [];
  const chunks = diffComm(linesOf(before), linesOf(after));
  chunks.forEach(({ common, buffer1, buffer2 }, index) => {
    if (common) lines.push(...shortened(common, index === 0, index === chunks.length - 1).map((line) => ` ${line}`));
    for (const line of buffer1 ?? []) lines.push(`-${line}`);
    for (const line of buffer2 ?? []) lines.push(`+${line}`);
  });
  return lines;
}

function shortened(lines: readonly string[], isFirst: boolean, isLast: boolean): readonly string[] {
  const head = isFirst ? 0 : contextLines;
  const tail = isLast ? 0 : contextLines;
  if (lines.length <= head + tail + 1) return lines;
  return [...lines.slice(0, head), '…', ...(tail === 0 ? [] : lines.slice(-tail))];
}
