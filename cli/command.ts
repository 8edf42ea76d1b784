/** What a command of `satchel` is: data that declares arguments, a schema that parses them, and what it does. */
import type { Command } from 'commander';
import { z } from 'zod';
import type { Satchel, SatchelOptions } from '../compose.js';
import type { RepositoryStores } from '../repository/repository.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { OwnedFolder } from './owner/own-folder.js';
import type { Terminal } from './output/terminal.js';

/** 0 done, 1 failed, 2 wrong usage, 3 partly done; 130 as shells have it for Ctrl-C. */
export type ExitCode = 0 | 1 | 2 | 3 | 130;

interface Context {
  readonly terminal: Terminal;
  /** Write one JSON document to standard output, and nothing else. */
  readonly json: boolean;
  /** What relative file names start from: the folder the person is in. */
  readonly cwd: string;
  /** Aborts with Ctrl-C, and when the caller went away. */
  readonly signal: AbortSignal;
}

/** For commands on an open data folder, in whichever process has it open. */
export interface CommandContext extends Context {
  readonly satchel: Satchel;
  /** Whose rights the command has. */
  readonly user: string;
  /** Whether this process goes on working when the command ends. */
  readonly resident: boolean;
}

/** For maintenance below sessions and their rights, in whichever process has the data folder open. */
export interface StoresContext extends Context {
  readonly stores: RepositoryStores;
}

/** For commands that are the process: they open the data folder themselves and keep it. */
export interface ProcessContext extends Context {
  readonly dataFolder: string;
  /** As they were typed; `own` has them, and processes that this one starts are given them. */
  readonly runModes: readonly string[] | undefined;
  /** @throws RepositoryError STORE_LOCKED when another process has it open */
  own(options: Omit<SatchelOptions, 'dataFolder' | 'log'>): Promise<OwnedFolder>;
}

/** A command with its arguments parsed, ready to run. */
export type BoundCommand =
  | { readonly place: 'repository'; run(context: CommandContext): Promise<ExitCode> }
  /** `verifies`: the files are compared with their checksums before they are opened. */
  | { readonly place: 'stores'; readonly verifies: boolean; run(context: StoresContext): Promise<ExitCode> }
  | { readonly place: 'process'; run(context: ProcessContext): Promise<ExitCode> };

export interface CommandDefinition {
  /** With its group: `jobs follow`. */
  readonly name: string;
  readonly place: BoundCommand['place'];
  readonly summary: string;
  /** Adds arguments and options. */
  declare(command: Command): void;
  /** @param typed arguments and options by name @throws SatchelError INVALID_REQUEST */
  bind(typed: Readonly<Record<string, unknown>>): BoundCommand;
}

interface CommandShape<Args> {
  readonly name: string;
  readonly summary: string;
  readonly declare?: (command: Command) => void;
  readonly args: z.ZodType<Args>;
}

/** A command on the repository; runs in the process that owns the data folder. */
export function defineCommand<Args>(
  shape: CommandShape<Args> & { readonly run: (context: CommandContext, args: Args) => Promise<ExitCode> },
): CommandDefinition {
  return define(shape, 'repository', (args) => ({
    place: 'repository',
    run: async (context) => shape.run(context, args),
  }));
}

/**
 * A command on the stores, for the local administrator. Where no process has the data folder open only the stores are
 * opened: what is damaged above them does not keep it from running.
 */
export function defineStoresCommand<Args>(
  shape: CommandShape<Args> & {
    readonly verifies?: true;
    readonly run: (context: StoresContext, args: Args) => Promise<ExitCode>;
  },
): CommandDefinition {
  const { verifies = false } = shape;
  return define(shape, 'stores', (args) => ({
    place: 'stores',
    verifies,
    run: async (context) => shape.run(context, args),
  }));
}

/** A command that becomes the owner of the data folder and stays. */
export function defineProcessCommand<Args>(
  shape: CommandShape<Args> & { readonly run: (context: ProcessContext, args: Args) => Promise<ExitCode> },
): CommandDefinition {
  return define(shape, 'process', (args) => ({ place: 'process', run: async (context) => shape.run(context, args) }));
}

function define<Args>(
  shape: CommandShape<Args>,
  place: BoundCommand['place'],
  bound: (args: Args) => BoundCommand,
): CommandDefinition {
  return {
    name: shape.name,
    place,
    summary: shape.summary,
    declare: (command) => shape.declare?.(command),
    bind: (typed) => {
      const parsed = shape.args.safeParse(typed);
      if (parsed.success) return bound(parsed.data);
      const problems = parsed.error.issues.map(({ path, message }) => ({
        field: typeof path[0] === 'string' ? optionName(path[0]) : 'arguments',
        problem: message,
      }));
      const text = problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ');
      throw new SatchelError('INVALID_REQUEST', `${text}. See "satchel ${shape.name} --help".`, {
        details: { problems },
      });
    },
  };
}

/** `maxAge` → `--max-age`, as it was typed. */
function optionName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** An option that is a whole number, as commander hands it over. */
export function wholeNumber(minimum: number, maximum: number): z.ZodType<number, string> {
  const problem = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, problem)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, problem);
}
