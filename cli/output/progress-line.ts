/** One line with a bar, for work that reports as it goes. */
import { createLiveView } from './live-view.js';
import { bar, createStyler, fit, safeText } from './text.js';
import type { Output } from './terminal.js';

const barColumns = 20;
const pauseMilliseconds = 100;

export interface ProgressLine {
  /** Cheap: draws at most ten times a second, and nothing where the output is no terminal. */
  show(progress: { readonly done: number; readonly total: number; readonly facts: string }): void;
  /** Waits for the last drawing and leaves it standing. */
  end(): Promise<void>;
}

export function createProgressLine(output: Output): ProgressLine {
  const view = createLiveView(output);
  const style = createStyler(output.color);
  let drawing = Promise.resolve();
  let next = 0;
  return {
    show: ({ done, total, facts }) => {
      const now = Date.now();
      if (!output.isTerminal || now < next) return;
      next = now + pauseMilliseconds;
      const text = fit(safeText(facts), Math.max(0, output.columns - barColumns - 5));
      const line = `  ${style.cyan(bar(done, total, barColumns))} ${text}`;
      drawing = drawing.then(async () => view.draw([line]));
    },
    end: async () => {
      await drawing;
      await view.end();
    },
  };
}
