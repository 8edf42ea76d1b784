/** From what was typed to a command that is ready to run. */
import { CommanderError, type Command } from 'commander';
import { SatchelError } from '../workflows/contract/errors.js';
import type { BoundCommand, CommandDefinition } from './command.js';
import { createProgram, type GlobalOptions } from './global-options.js';
import { reportError } from './output/report.js';
import type { Terminal } from './output/terminal.js';

export interface Invocation {
  readonly command: BoundCommand;
  readonly dataFolder: string;
  readonly json: boolean;
  /** `undefined`: the local administrator. */
  readonly asUser: string | undefined;
  /** `undefined`: those of the configuration. */
  readonly runModes: readonly string[] | undefined;
}

/**
 * @returns the command with its arguments, or the exit code when there is nothing to run: help was asked for and written,
 * or what was typed is wrong and it was said how
 */
export async function parseArguments(
  definitions: readonly CommandDefinition[],
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<Invocation | 0 | 2> {
  // An error must know it before the options are parsed.
  const json = args.includes('--json');
  const written: string[] = [];
  let chosen: Invocation | undefined;
  const program = createProgram(env, (text) => written.push(text));
  for (const definition of definitions) {
    const command = addCommand(program, definition);
    command.action(() => {
      const { data, as, runModes, ...options } = command.optsWithGlobals<GlobalOptions & Record<string, unknown>>();
      chosen = {
        command: definition.bind({ ...argumentsByName(command), ...options }),
        dataFolder: data,
        json: options.json === true,
        asUser: as,
        runModes,
      };
    });
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      await terminal.stdout.write(written.join(''));
      return 0;
    }
    if (error instanceof CommanderError && error.code === 'commander.help') {
      await terminal.stderr.write(written.join(''));
      return 2;
    }
    await reportError({ terminal, json }, error instanceof CommanderError ? wrongUsage(error) : error);
    return 2;
  }
  return chosen ?? 2;
}

/** Adds a command, and its group (`jobs` of `jobs follow`) where it is not there yet. */
function addCommand(program: Command, definition: CommandDefinition): Command {
  const [first = '', second] = definition.name.split(' ');
  let parent = program;
  if (second !== undefined) {
    parent = program.commands.find((command) => command.name() === first) ?? inherit(program.command(first), program);
  }
  const command = inherit(parent.command(second ?? first), program).description(definition.summary);
  if (parent !== program) parent.description(parent.commands.map((sub) => sub.name()).join(', '));
  definition.declare(command);
  return command;
}

function inherit(command: Command, program: Command): Command {
  return command.copyInheritedSettings(program).helpCommand(false);
}

function argumentsByName(command: Command): Record<string, unknown> {
  return Object.fromEntries(
    command.registeredArguments.map((argument, index): [string, unknown] => [
      argument.name(),
      command.processedArgs[index],
    ]),
  );
}

function wrongUsage(error: CommanderError): SatchelError {
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new SatchelError('INVALID_REQUEST', `${message}${/[.?)]$/.test(message) ? '' : '.'} See "satchel --help".`);
}
