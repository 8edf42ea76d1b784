/** What can be said on the command line of the benchmarks beside their names. */
import { parseArgs } from 'node:util';

export interface BenchmarkOptions {
  /** Timed rounds; one more goes before them to warm up. */
  readonly rounds: number | undefined;
  readonly backend: string;
  /** Where PostgreSQL is, as `postgres://…`. */
  readonly url: string | undefined;
  readonly assets: number | undefined;
  /** Measure memory with this many nodes. */
  readonly nodes: number | undefined;
  /** Only work whose name holds this. */
  readonly only: string | undefined;
  /** Also write the result here. */
  readonly json: string | undefined;
}

/** @throws TypeError naming the option that is wrong */
export function parseCommandLine(args: readonly string[]): {
  readonly names: readonly string[];
  readonly options: BenchmarkOptions;
} {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      backend: { type: 'string', default: 'level' },
      url: { type: 'string' },
      assets: { type: 'string' },
      nodes: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const options = {
    rounds: count('rounds', values.rounds),
    backend: values.backend,
    url: values.url ?? process.env['SATCHEL_POSTGRES_URL'],
    assets: count('assets', values.assets),
    nodes: count('nodes', values.nodes),
    only: values.only,
    json: values.json,
  };
  return { names: positionals, options };
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new TypeError(`--${name} takes a whole number from 1 up, not "${text}"`);
  }
  return value;
}
