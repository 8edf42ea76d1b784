import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

/** Packages that a module loads before it runs: its own imports and, in turn, those of ours. */
async function packagesLoadedBy(module: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../../${module}`, import.meta.url))],
    bundle: true,
    // Keeps what is imported on demand in files of its own.
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
    metafile: true,
    outdir: 'unused',
    logLevel: 'error',
  });
  const entry = Object.keys(metafile.outputs).find((file) => metafile.outputs[file]?.entryPoint?.endsWith(module));
  const loaded = new Set<string>();
  const visit = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const { path, kind } of metafile.outputs[file]?.imports ?? []) if (kind === 'import-statement') visit(path);
  };
  visit(entry ?? '');
  return [...loaded].filter((file) => !Object.hasOwn(metafile.outputs, file) && !file.startsWith('node:')).sort();
}

describe('what is loaded before a command runs', () => {
  it('is next to nothing where a running Satchel answers', async () => {
    expect(await packagesLoadedBy('cli/main.ts')).toEqual(['commander']);
  });

  it('is neither Temporal nor a web server, a renderer, a compiler or an archiver where the command opens the folder', async () => {
    const packages = await packagesLoadedBy('compose.ts');
    expect(packages).toContain('level');
    const heavy = /^(@temporalio|fastify|@fastify|sharp|mjml|esbuild|archiver|@node-rs)/;
    expect(packages.filter((name) => heavy.test(name))).toEqual([]);
  });
});
