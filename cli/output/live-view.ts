/** A few lines at the foot of a terminal that are drawn again in place. */
import type { Output } from './terminal.js';

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
const clearToEnd = '\u001b[J';

export interface LiveView {
  /** Draws the lines over those drawn before. They must be no wider than the terminal. */
  draw(lines: readonly string[]): Promise<void>;
  /** Leaves the last lines standing and gives the cursor back. */
  end(): Promise<void>;
}

export function createLiveView(output: Output): LiveView {
  let drawn = 0;
  let hidden = false;
  return {
    draw: async (lines) => {
      // One write for the whole picture: a terminal then never shows half of it.
      const up = drawn > 0 ? `\u001b[${drawn}A\r` : '';
      const picture = `${hidden ? '' : hideCursor}${up}${clearToEnd}${lines.map((line) => `${line}\n`).join('')}`;
      drawn = lines.length;
      hidden = true;
      await output.write(picture);
    },
    end: async () => {
      if (hidden) await output.write(showCursor);
      hidden = false;
      drawn = 0;
    },
  };
}
