/** `satchel plugin new NAME`, typed in a folder. */
import { loadCommands } from '../../cli/commands.js';
import { parseArguments } from '../../cli/program.js';
import { recordingTerminal } from './recording-terminal.js';

export async function pluginNew(cwd: string, name: string): Promise<{ code: number; stderr: string }> {
  const args = ['plugin', 'new', name];
  const terminal = recordingTerminal();
  const parsed = await parseArguments(await loadCommands(args), args, {}, terminal);
  if (typeof parsed === 'number') return { code: parsed, stderr: terminal.written.stderr };
  if (parsed.command.place !== 'process') throw new TypeError('a command without a data folder was expected');
  const context = { terminal, json: false, cwd, signal: new AbortController().signal };
  const own = () => Promise.reject(new TypeError('no data folder was expected to be opened'));
  try {
    return {
      code: await parsed.command.run({ ...context, dataFolder: '', runModes: undefined, own }),
      stderr: terminal.written.stderr,
    };
  } catch (error) {
    return { code: 1, stderr: String(error) };
  }
}
