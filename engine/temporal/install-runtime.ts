import { Runtime, type Logger as TemporalLogger } from '@temporalio/worker';
import type { Logger } from 'pino';

let installed = false;

/**
 * The SDK has one runtime a process, made with the first connection. Its messages, those of its native part among them, go
 * to Satchel's log instead of the terminal; signals stay Satchel's, which stops more than the worker.
 */
export function installTemporalRuntime(log: Logger): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: temporalLogger(log.child({ from: 'temporal' })),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
  });
}

/** What the SDK warns of and we mean so: the worker of heavy steps runs no workflows. */
const expected = /^No (workflows|Nexus services) registered/;

function temporalLogger(log: Logger): TemporalLogger {
  const write: TemporalLogger['log'] = (level, message, meta) => {
    const name = expected.test(message) ? 'debug' : (level.toLowerCase() as Lowercase<typeof level>);
    log[name](meta ?? {}, message);
  };
  return {
    log: write,
    trace: (message, meta) => void write('TRACE', message, meta),
    debug: (message, meta) => void write('DEBUG', message, meta),
    info: (message, meta) => void write('INFO', message, meta),
    warn: (message, meta) => void write('WARN', message, meta),
    error: (message, meta) => void write('ERROR', message, meta),
  };
}
