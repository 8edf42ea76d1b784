/** Satchel as a process that stays: it owns the data folder, works, and serves pages and other commands. */
import { once } from 'node:events';
import type { ExitCode, ProcessContext } from './command.js';
import { createStyler, table } from './output/text.js';

/** Runs until Ctrl-C or SIGTERM. With --json, writes one line when it is ready. */
export async function runResident(
  context: ProcessContext,
  mode: 'start' | 'dev',
  httpPort: number | undefined,
): Promise<ExitCode> {
  const { terminal, signal, json, dataFolder } = context;
  const owned = await context.own({ mode, work: true, ...(httpPort !== undefined && { httpPort }) });
  try {
    const { server, engine, mailbox, runModes } = owned.satchel;
    const url = server?.url;
    const temporal = engine.temporal();
    const facts = {
      url,
      temporal: temporal.address,
      temporalUi: temporal.uiUrl,
      mailbox: mailbox?.folder,
      dataFolder,
      runModes: runModes.names,
    };
    const rows: [string, string | undefined][] = [
      ['Downloads', url && `${url}/downloads`],
      ['Mail', url && mailbox && `${url}/mail`],
      ['Temporal', temporal.uiUrl ?? temporal.address],
      ['Data', dataFolder],
      ['Run modes', runModes.names.join(', ')],
    ];
    const style = createStyler(terminal.stdout.color);
    const lines = [
      style.bold(mode === 'dev' ? 'Satchel works, and follows changes of steps and content.' : 'Satchel works.'),
      ...table(rows.flatMap(([name, value]) => (value === undefined ? [] : [[`  ${name}`, value]]))),
      style.dim('Ctrl-C ends it; jobs that run go on at the next start.'),
    ];
    await terminal.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);
    if (!signal.aborted) await once(signal, 'abort');
    return 0;
  } finally {
    await owned.close({ abort: true });
  }
}
