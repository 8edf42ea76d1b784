import path from 'node:path';
import { z } from 'zod';
import { defineProcessCommand } from '../command.js';
import { waitForKey } from '../demo/wait-for-key.js';

export const demoCommand = defineProcessCommand({
  name: 'demo',
  summary: 'shows the main job end to end, in five acts',
  declare: (command) =>
    void command
      .option('--package <file>', 'a content package to show it with; default: pictures that the demo draws')
      .option('--out <folder>', 'where everything goes; default: demo-out')
      .option('--exit', 'end after the last act, rather than at a key'),
  args: z.object({
    package: z.string().optional(),
    out: z.string().default('demo-out'),
    exit: z.boolean().default(false),
  }),
  run: async ({ cwd, terminal, signal, runModes }, args) => {
    const { runDemo } = await import('../demo/run-demo.js');
    const { demoPassword } = await import('../demo/prepare.js');
    const out = path.resolve(cwd, args.out);
    const relative = path.relative(cwd, out) || '.';
    const print = (line: string) => void terminal.stdout.write(`${line}\n`);
    const { running, dataFolder } = await runDemo({
      packageFile: args.package === undefined ? undefined : path.resolve(cwd, args.package),
      out,
      runModes,
      print,
    });
    try {
      print(`\nSee ${path.join(relative, 'index.html')} for the mails side by side, summary.json for the numbers.`);
      if (args.exit || !process.stdin.isTTY || !terminal.stdout.isTerminal) return 0;
      const data = path.relative(cwd, dataFolder);
      print(
        [
          '',
          `Mailbox      ${running.url}/mail        (log in as mara, password ${demoPassword})`,
          `Downloads    ${running.url}/downloads`,
          `Temporal UI  ${running.temporalUi ?? '–'}`,
          '',
          'Three commands to try in another terminal:',
          `  npm run satchel -- --data ${data} jobs list`,
          `  npm run satchel -- --data ${data} tree /conf --depth 6`,
          `  npm run satchel -- --data ${data} download /content/dam --size 400x400 --format webp --out ${relative}/tried`,
          '',
          'Press any key to end.',
        ].join('\n'),
      );
      await waitForKey(signal);
      return 0;
    } finally {
      await running.stop();
    }
  },
});
