/** The options that every command takes: all that must be known of what was typed before any command is loaded. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { runModesProblem } from '../engine/run-modes.js';

export interface GlobalOptions {
  readonly data: string;
  readonly json?: true;
  readonly as?: string;
  readonly runModes?: readonly string[];
}

const defaultDataFolder = './.satchel';

/** @param write takes what commander would write to the terminal */
export function createProgram(env: NodeJS.ProcessEnv, write: (text: string) => void): Command {
  const dataFolder = env['SATCHEL_DATA'] || defaultDataFolder;
  return new Command('satchel')
    .description('Packages, shares and delivers assets of a content repository.')
    .addOption(new Option('--data <folder>', 'data folder (env SATCHEL_DATA)').default(dataFolder))
    .option('--json', 'write one JSON document to standard output')
    .option('--as <user>', 'work as this user; default: the local administrator')
    .addOption(
      new Option(
        '--run-modes <names>',
        'run modes, separated by commas (env SATCHEL_RUN_MODES); default: author',
      ).argParser(parseRunModes),
    )
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride();
}

function parseRunModes(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const problem = runModesProblem(names);
  if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`);
  return names;
}

export interface CommandLine {
  readonly dataFolder: string;
  /** Starts with the command's name: one or two words. */
  readonly words: readonly string[];
}

/** @returns `undefined` when help is asked for, or when the options are wrong: only all commands together can answer that */
export function readCommandLine(args: readonly string[], env: NodeJS.ProcessEnv): CommandLine | undefined {
  if (args.includes('--help') || args.includes('-h')) return undefined;
  const program = createProgram(env, () => undefined);
  try {
    const { operands } = program.parseOptions([...args]);
    return { dataFolder: program.opts<GlobalOptions>().data, words: operands };
  } catch (error) {
    if (error instanceof CommanderError) return undefined;
    throw error;
  }
}
