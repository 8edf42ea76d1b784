/** The log for a person who watches: one short line a record instead of JSON. */
import { z } from 'zod';
import { createStyler, safeText } from './text.js';

const record = z.object({
  level: z.number(),
  time: z.number(),
  msg: z.string().optional(),
  err: z.object({ message: z.string() }).optional(),
});

const errorLevel = 50;
const warnLevel = 40;

/** A destination for pino. */
export function createLogStream(stream: NodeJS.WriteStream, color: boolean): { write(line: string): void } {
  const style = createStyler(color);
  return {
    write: (line) => {
      const { level, time, msg = '', err } = record.parse(JSON.parse(line));
      const text = safeText(err ? `${msg}: ${err.message}` : msg);
      const painted = level >= errorLevel ? style.red(text) : level >= warnLevel ? style.yellow(text) : text;
      stream.write(`${style.dim(new Date(time).toISOString().slice(11, 19))} ${painted}\n`);
    },
  };
}
