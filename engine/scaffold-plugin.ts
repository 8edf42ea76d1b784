/** The files of a new plugin: one step, its test, and what type-checks them. */

export interface ScaffoldedFile {
  readonly path: string;
  readonly text: string;
}

/** Name of a package and of the namespace of its steps. @returns what is wrong with it, or `undefined` */
export function pluginNameProblem(name: string): string | undefined {
  if (name.length > 60) return 'must have at most 60 characters';
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/u.test(name))
    return 'must be lower-case letters and digits, in words joined by "-"';
  return ['satchel', 'dam', 'notify', 'zod', 'vitest'].includes(name)
    ? 'is taken by a package or by Satchel itself'
    : undefined;
}

/** @param name checked */
export function scaffoldPlugin(name: string): ScaffoldedFile[] {
  const variable = name.replaceAll(/-(.)/gu, (_, letter: string) => letter.toUpperCase());
  return [
    {
      path: 'package.json',
      text: `${JSON.stringify(
        {
          name,
          version: '0.1.0',
          description: 'A Satchel plugin with one step.',
          private: true,
          type: 'module',
          keywords: ['satchel-plugin'],
          satchel: { apiVersion: 1, steps: ['step.ts'], overlays: ['overlays'] },
          scripts: { check: 'tsc', test: 'vitest run' },
          peerDependencies: { satchel: '*' },
          devDependencies: { '@types/node': '^20', typescript: '^6', vitest: '^4' },
        },
        null,
        2,
      )}\n`,
    },
    {
      path: 'tsconfig.json',
      text: `${JSON.stringify(
        {
          compilerOptions: {
            target: 'ES2023',
            module: 'NodeNext',
            types: ['node'],
            strict: true,
            noUncheckedIndexedAccess: true,
            skipLibCheck: true,
            noEmit: true,
          },
          include: ['*.ts'],
        },
        null,
        2,
      )}\n`,
    },
    {
      path: 'step.ts',
      text: `import { defineStep, z } from 'satchel/sdk';

export const ${variable} = defineStep({
  id: '${name}/count-files',
  title: 'Count the files',
  description: 'Counts the files of a download whose names end so.',
  config: z.strictObject({ ending: z.string().default('') }),
  result: z.strictObject({ files: z.int() }),
  examples: [
    { title: 'All of them', config: { ending: '' } },
    { title: 'Photographs', config: { ending: '.jpg' } },
  ],
  async run({ config, download }) {
    const entries = await (await download()).entries();
    return { files: entries.filter(({ name }) => name.endsWith(config.ending)).length };
  },
});
`,
    },
    {
      path: 'step.test.ts',
      text: `import { testExamples, testStep } from 'satchel/sdk';
import { expect, it } from 'vitest';
import { ${variable} } from './step.js';

const download = {
  tree: { '/content/dam/a.txt': Buffer.from('a'), '/content/dam/b.txt': Buffer.from('b') },
  download: { paths: ['/content/dam'] },
};

it('counts the files that end so', async () => {
  const { result, close } = await testStep(${variable}, { ...download, config: { ending: 'b.txt' } });
  await close();
  expect(result).toEqual({ files: 1 });
});

it('runs its own examples', async () => {
  expect(await testExamples(${variable}, download)).toEqual(['All of them', 'Photographs']);
});
`,
    },
    {
      path: 'README.md',
      text: `# ${name}

A plugin of Satchel with one step, \`${name}/count-files\`: [step.ts](step.ts), tested by [step.test.ts](step.test.ts).

- \`npm install\`, then \`npm run check\` and \`npm test\`.
- Name this folder in \`satchel.json\` of the data folder: \`{ "plugins": ["/path/to/${name}"] }\`. \`satchel plugin list\` says whether it is loaded.
- Place the step into a model below \`overlays/conf/<tenant>/settings/workflow/models\`; \`satchel step show ${name}/count-files\` shows what its
  configuration may hold.
- With \`satchel dev\` a changed step is live within two seconds.
`,
    },
  ];
}
