/** A render process that crashes, hangs, or grows, as the name of the source file asks; else it answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { outOfMemoryExit } from '../../../dam/rendering/protocol.js';

process.on('message', ({ source }: { source: string }) => {
  if (source.endsWith('crash')) process.kill(process.pid, 'SIGSEGV');
  else if (source.endsWith('grow')) process.exit(outOfMemoryExit);
  else if (source.endsWith('hang')) void sleep(600_000);
  else process.send?.({ kind: 'done', result: { width: process.pid, height: 1, format: 'png' }, rss: 1 });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready' });
