/**
 * Bundles the compiled workflow code once, ahead of time: `dist/workflows/interpreter.js` → `dist/workflow-bundle.js`.
 * Bundling at every start would cost about a second.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const target = path('dist/workflow-bundle.js');
const silent = () => undefined;
const problem = (message) => console.error(message);

const { code } = await bundleWorkflowCode({
  workflowsPath: path('dist/workflows/interpreter.js'),
  logger: { log: silent, trace: silent, debug: silent, info: silent, warn: problem, error: problem },
});
await writeFile(`${target}.new`, code);
await rename(`${target}.new`, target);
const hash = createHash('sha256')
  .update(await readFile(target))
  .digest('hex');
console.log(`workflow bundle: ${code.length} bytes, SHA-256 ${hash.slice(0, 12)}…`);
