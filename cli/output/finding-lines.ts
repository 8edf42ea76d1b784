/** Findings of a check, written as they come. */
import type { Finding } from '../../repository/maintenance/finding.js';
import type { Terminal } from './terminal.js';
import { createStyler, safeText } from './text.js';

export interface FindingCount {
  readonly found: number;
  readonly repaired: number;
}

/**
 * For people a line each, with what it means and what to do below the first of its kind; with --json `{"findings": […], …}`, one
 * finding a line.
 * @param summary facts for the end of the document, and the last line for people
 */
export async function writeFindings(
  { terminal, json }: { readonly terminal: Terminal; readonly json: boolean },
  findings: AsyncIterable<Finding>,
  summary: (count: FindingCount) => { readonly facts: Readonly<Record<string, unknown>>; readonly line: string },
): Promise<FindingCount> {
  const { stdout } = terminal;
  const style = createStyler(stdout.color);
  const explained = new Set<string>();
  let found = 0;
  let repaired = 0;
  if (json) await stdout.write('{"findings": [');
  for await (const finding of findings) {
    if (json) await stdout.write(`${found === 0 ? '' : ','}\n${JSON.stringify(finding)}`);
    else {
      const { code, path, detail, meaning, advice } = finding;
      const facts = [safeText(path), ...(detail === undefined ? [] : [style.dim(`(${safeText(detail)})`)])].join(' ');
      const state = finding.repaired ? ` ${style.green('repaired')}` : '';
      const explanation = explained.has(code) ? '' : `${style.dim(`    ${meaning}\n    ${advice}`)}\n`;
      await stdout.write(`${style.yellow(code)} ${facts}${state}\n${explanation}`);
      explained.add(code);
    }
    found++;
    if (finding.repaired) repaired++;
  }
  const { facts, line } = summary({ found, repaired });
  await stdout.write(json ? `\n], ${JSON.stringify({ found, repaired, ...facts }).slice(1)}\n` : `${line}\n`);
  return { found, repaired };
}

/** `nothing is wrong`, `3 findings, 1 of them repaired` */
export function countText({ found, repaired }: FindingCount): string {
  if (found === 0) return 'nothing is wrong';
  return `${found} finding${found === 1 ? '' : 's'}${repaired > 0 ? `, ${repaired} of them repaired` : ''}`;
}
