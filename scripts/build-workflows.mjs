/**
 * Bundles the compiled workflow code once, ahead of time: `dist/workflows/interpreter.js` → `dist/workflow-bundle.js`, and once
 * more for installations that encrypt what Temporal keeps: there, failures are encoded. Bundling at every start would cost about a
 * second.
 */
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
// Loaded by its path, so that the compiler does not see it.
const encodedFailures = path('dist/engine/temporal/encoded-failures.cjs');
await copyFile(path('engine/temporal/encoded-failures.cjs'), encodedFailures);
const interpreter = path('dist/workflows/interpreter.js');
const silent = () => undefined;
const problem = (message) => console.error(message);

await bundle('workflow-bundle', {});
await bundle('workflow-bundle-encoded-failures', { failureConverterPath: encodedFailures });

async function bundle(name, options) {
  const target = path(`dist/${name}.js`);
  const { code } = await bundleWorkflowCode({
    workflowsPath: interpreter,
    // Evaluated once a worker, not once a workflow: the interpreter keeps no state at module level.
    preloadModules: [interpreter],
    logger: { log: silent, trace: silent, debug: silent, info: silent, warn: problem, error: problem },
    ...options,
  });
  await writeFile(`${target}.new`, code);
  await rename(`${target}.new`, target);
  const hash = createHash('sha256')
    .update(await readFile(target))
    .digest('hex');
  console.log(`${name}: ${code.length} bytes, SHA-256 ${hash.slice(0, 12)}…`);
}
