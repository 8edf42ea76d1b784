/** The options that every command takes: all that must be known of what was typed before any command is loaded. */
import { Command, CommanderError, Option } from 'commander';

export interface GlobalOptions {
  readonly data: string;
  readonly json?: true;
  readonly as?: string;
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
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride();
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
