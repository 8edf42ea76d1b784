/** The workflow bundle from the sources at hand, kept between test files: bundling takes seconds. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { encodedFailuresPath } from '../../engine/temporal/encrypting-codec.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** @param encodedFailures as installations have it that encrypt what Temporal keeps */
export async function workflowBundle(encodedFailures = false): Promise<{ codePath: string }> {
  const hash = createHash('sha256');
  if (encodedFailures) hash.update(await readFile(encodedFailuresPath));
  for (const folder of ['workflows', 'workflows/contract', 'workflows/run-nodes']) {
    for (const name of (await readdir(join(root, folder))).filter((file) => file.endsWith('.ts')).sort()) {
      hash.update(`${folder}/${name}\0`).update(await readFile(join(root, folder, name)));
    }
  }
  hash.update(await readFile(join(root, 'node_modules/@temporalio/worker/package.json')));
  const cache = join(root, 'node_modules/.cache/satchel-test');
  const codePath = join(cache, `workflow-bundle-${hash.digest('hex').slice(0, 16)}.js`);
  const known = await readFile(codePath).catch(() => undefined);
  if (!known) {
    const interpreter = join(root, 'workflows/interpreter.ts');
    const silent = () => undefined;
    const { code } = await bundleWorkflowCode({
      workflowsPath: interpreter,
      preloadModules: [interpreter],
      ...(encodedFailures && { failureConverterPath: encodedFailuresPath }),
      logger: { log: silent, trace: silent, debug: silent, info: silent, warn: console.warn, error: console.error },
    });
    await mkdir(cache, { recursive: true });
    const incoming = `${codePath}.${process.pid}`;
    await writeFile(incoming, code);
    await rename(incoming, codePath);
  }
  return { codePath };
}
