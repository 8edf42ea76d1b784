/** The interpreter as it would be after a change: the same sources, with one text in one of them replaced. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceChange {
  /** `run-nodes/run-sequence.ts`, below workflows/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** @throws Error when the text is not there any more */
export async function changedBundle(name: string, { file, from, to }: SourceChange): Promise<{ codePath: string }> {
  // Below node_modules, so that the packages resolve; compiled here, since nothing there is compiled while bundling.
  const folder = join(root, 'node_modules/.cache/satchel-test', `changed-${name}-${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  const sources = await readdir(join(root, 'workflows'), { recursive: true });
  for (const source of sources.filter((path) => path.endsWith('.ts'))) {
    let text = await readFile(join(root, 'workflows', source), 'utf8');
    if (source === join(file)) {
      if (!text.includes(from)) throw new Error(`workflows/${file} has no ${from}`);
      text = text.replace(from, to);
    }
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const target = join(folder, source.replace(/\.ts$/, '.js'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, outputText);
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  const silent = () => undefined;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(folder, 'interpreter.js'),
    logger: { log: silent, trace: silent, debug: silent, info: silent, warn: console.warn, error: console.error },
  });
  const codePath = join(folder, 'workflow-bundle.cjs');
  await writeFile(codePath, code);
  return { codePath };
}
