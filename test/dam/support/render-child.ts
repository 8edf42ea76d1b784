/** The program of the render process, compiled from the source at hand: Node does not run TypeScript in a child. */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** @returns a path for `createRenderer` */
export async function renderChildFile(): Promise<string> {
  return compileChild(join(root, 'dam/rendering/render-child.ts'), 'render-child');
}

/** Any TypeScript program for a child process. Below node_modules, so that it finds the dependencies. */
export async function compileChild(entryPoint: string, name: string): Promise<string> {
  const folder = join(root, 'node_modules/.cache/satchel-test');
  const file = join(folder, `${name}.mjs`);
  const incoming = join(folder, `${name}.${process.pid}.mjs`);
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: [entryPoint],
    outfile: incoming,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  await rename(incoming, file);
  return file;
}
