/** How commands answer: a document for programs, text for people, and errors for both. */
import { problemDocument, problemOf } from '../../server/problem.js';
import type { ExitCode } from '../command.js';
import { createStyler, safeText } from './text.js';
import type { Terminal } from './terminal.js';

interface Reporting {
  readonly terminal: Terminal;
  readonly json: boolean;
}

/** Writes the one answer of a command: `document` with --json, else the lines. */
export async function answer(
  { terminal, json }: Reporting,
  document: unknown,
  lines: readonly string[],
): Promise<void> {
  const text = json ? `${toJson(document)}\n` : lines.map((line) => `${line}\n`).join('');
  await terminal.stdout.write(text);
}

/** A remark that is not part of the answer. */
export async function remark({ terminal }: Reporting, text: string): Promise<void> {
  await terminal.stderr.write(`${createStyler(terminal.stderr.color).dim(text)}\n`);
}

/** Writes what went wrong. @returns the exit code of the error table */
export async function reportError({ terminal, json }: Reporting, error: unknown): Promise<ExitCode> {
  const problem = problemOf(error);
  if (json) await terminal.stdout.write(`${toJson(problemDocument(problem))}\n`);
  const style = createStyler(terminal.stderr.color);
  const trace = problem.unexpected && error instanceof Error && error.stack ? `\n${style.dim(error.stack)}` : '';
  const place = problem.details['file'] === undefined ? '' : ` (${placeOf(problem.details)})`;
  await terminal.stderr.write(
    `${style.red('satchel:')} ${safeText(problem.message)}${place} ${style.dim(`[${problem.code}]`)}${trace}\n`,
  );
  return problem.exit;
}

function placeOf({ file, line }: Readonly<Record<string, unknown>>): string {
  return safeText(typeof line === 'number' ? `${String(file)}:${line}` : String(file));
}

/** JSON as people read it; Long values beyond 2^53 are written as strings, as JSON numbers would change them. */
export function toJson(document: unknown): string {
  return JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2);
}
