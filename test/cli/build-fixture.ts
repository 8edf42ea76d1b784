/** Compiles an entry of this checkout into a file that plain node runs, with its dependencies left where they are. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** @returns the compiled file; below node_modules, so that dependencies resolve */
export async function buildFixture(entry: URL): Promise<string> {
  const source = fileURLToPath(entry);
  const folder = fileURLToPath(new URL('../../node_modules/.cache/satchel-test/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const outfile = path.join(folder, `${path.basename(source, '.ts')}.mjs`);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  return outfile;
}
