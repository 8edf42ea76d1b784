/** What is wrong with a template, where a person finds it. */
import { SatchelError } from '../../workflows/contract/errors.js';

export interface TemplateProblem {
  /** Repository path of the file or node. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

/** A file of a template: its text and where it lies. */
export interface TemplateFile {
  readonly file: string;
  readonly text: string;
}

/**
 * INVALID_TEMPLATE for one or more problems; the first is also in `details.file`, `details.line` and `details.reason`.
 */
export function invalidTemplate(
  template: string,
  problems: readonly [TemplateProblem, ...TemplateProblem[]],
  cause?: unknown,
): SatchelError {
  const lines = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  const { file, line, message: reason } = problems[0];
  return new SatchelError('INVALID_TEMPLATE', `The e-mail template "${template}" is not valid. ${lines.join(' ')}`, {
    details: { template, file, line, reason, problems },
    cause,
  });
}

export function isNonEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
