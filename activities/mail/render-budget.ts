/**
 * Bounds of one rendering, held while it goes on: a loop over a huge list, or loops within loops, ends with an error long
 * before it fills the memory. What stands outside of loops is bounded by the template's own length.
 */
import type { HelperDelegate, HelperOptions } from 'handlebars';

/** UTF-16 units of each body part; a mail near it shows nowhere well, and more is a mistake in a template. */
export const maxRenderedCharacters = 1024 * 1024;
/** Turns of all loops together. */
export const maxRepetitions = 20_000;
/** Expressions of a template after its partials are in it. */
export const maxExpressions = 5000;

export interface RenderBudget {
  repetitions: number;
}

export class OutputTooLong extends Error {}

/** @throws OutputTooLong */
export function checkLength(length: number): void {
  if (length <= maxRenderedCharacters) return;
  throw new OutputTooLong(`the mail is ${length} characters long; at most ${maxRenderedCharacters} are sent`);
}

/** A helper whose block may be long: what it gives is looked at at once. */
export function boundedBlock(helper: HelperDelegate): HelperDelegate {
  return function (this: unknown, ...values: unknown[]): unknown {
    const options = values.at(-1) as HelperOptions;
    const budget = (options.data as { budget: RenderBudget }).budget;
    let length = 0;
    const count =
      (run: (context: never, runtime: never) => unknown) =>
      (context: never, runtime: never): string => {
        if (++budget.repetitions > maxRepetitions) {
          throw new OutputTooLong(`loops of the mail turn more than ${maxRepetitions} times`);
        }
        // A block of one expression gives its value as it is, a number for one.
        const text = String(run(context, runtime));
        length += text.length;
        checkLength(length);
        return text;
      };
    const bounded = { ...options, fn: count(options.fn as never), inverse: count(options.inverse as never) };
    return Reflect.apply(helper, this, [...values.slice(0, -1), bounded]) as unknown;
  };
}
