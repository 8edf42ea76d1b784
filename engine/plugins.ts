/**
 * Loads plugins: folders with a `package.json` that says what they add.
 *
 *     "satchel": { "apiVersion": 1, "steps": ["watermark.ts"], "overlays": ["overlays"] }
 *
 * plugin-manifest.ts has all of it; discover-plugins.ts finds plugins without running them.
 *
 * A step file is bundled with what it imports, TypeScript or JavaScript, into the user's cache folder, and loaded from
 * there. `satchel/sdk` and `zod` are those of the running Satchel: a copy of its own would bring other error classes.
 * A plugin is code of the installation and runs with all its rights; only who may write the configuration adds one.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildFailure, Plugin } from 'esbuild';
import type { AnyStep } from '../activities/define-step.js';
import type { RegisteredStep, StepRegistry } from '../activities/registry.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { pluginManifest, pluginMounts, type PluginManifest } from './plugin-manifest.js';
import { userCacheFolder } from './temporal/user-cache.js';

export interface LoadedPlugin {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  readonly steps: readonly RegisteredStep[];
  /** Absolute folders. */
  readonly overlays: readonly string[];
  /** Absolute folders, and where in the repository they go. */
  readonly mounts: readonly { readonly folder: string; readonly target: string }[];
}

/**
 * Reads a plugin and compiles its steps, without registering them.
 * @throws SatchelError PLUGIN_NOT_LOADED naming file, line and problem
 */
export async function loadPlugin(folder: string, cacheFolder = userCacheFolder()): Promise<LoadedPlugin> {
  const manifest = await readManifest(folder);
  const steps: RegisteredStep[] = [];
  for (const path of manifest.satchel.steps) {
    const file = resolve(folder, path);
    for (const step of await loadStepFile(file, cacheFolder)) steps.push({ step, file });
  }
  const overlays = manifest.satchel.overlays.map((path) => resolve(folder, path));
  const mounts = pluginMounts(manifest).map((mount) => ({ ...mount, folder: resolve(folder, mount.folder) }));
  return { name: manifest.name, version: manifest.version, folder, steps, overlays, mounts };
}

/**
 * Puts the steps of plugins into the registry; those files' earlier steps are replaced, so that it can be called again
 * when a file changed. When two files define the same step nothing of the second plugin is registered.
 * @throws SatchelError DUPLICATE_STEP
 */
export function registerPlugin(registry: StepRegistry, plugin: LoadedPlugin): void {
  const files = new Set(plugin.steps.map(({ file }) => file));
  const replaced = registry.list().filter(({ file }) => files.has(file));
  for (const file of files) registry.unregister(file);
  try {
    for (const { step, file } of plugin.steps) registry.register(step, file);
  } catch (error) {
    for (const file of files) registry.unregister(file);
    for (const { step, file } of replaced) registry.register(step, file);
    throw error;
  }
}

async function readManifest(folder: string): Promise<PluginManifest> {
  const file = join(folder, 'package.json');
  try {
    const parsed = pluginManifest.safeParse(JSON.parse(await readFile(file, 'utf8')));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  } catch (error) {
    throw notLoaded(file, undefined, error instanceof Error ? error.message : String(error), error);
  }
}

async function loadStepFile(file: string, cacheFolder: string): Promise<AnyStep[]> {
  const module = (await import(pathToFileURL(await compile(file, cacheFolder)).href).catch((error: unknown) => {
    throw notLoaded(file, undefined, error instanceof Error ? error.message : String(error), error);
  })) as Record<string, unknown>;
  const steps = Object.values(module).filter(isStep);
  if (steps.length > 0) return steps;
  throw notLoaded(file, undefined, 'it exports no step; export what defineStep(…) returns');
}

/** `defineStep` checked the rest, and is the only maker of frozen objects with these members. */
function isStep(value: unknown): value is AnyStep {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return false;
  return 'id' in value && 'run' in value && typeof value.run === 'function' && 'config' in value && 'result' in value;
}

/** @returns a file whose name is the hash of its content, so that a changed step is another module */
async function compile(file: string, cacheFolder: string): Promise<string> {
  await stat(file).catch((error: unknown) => {
    throw notLoaded(file, undefined, 'there is no such file', error);
  });
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    sourcesContent: true,
    logLevel: 'silent',
    plugins: [resolveAsInstalled],
  }).catch((error: unknown) => {
    const [problem] = isBuildFailure(error) ? error.errors : [];
    if (!problem) throw error;
    const place = problem.location ? resolve(problem.location.file) : file;
    throw notLoaded(place, problem.location?.line, problem.text, error);
  });
  const code = result.outputFiles[0]?.text ?? '';
  const name = createHash('sha256').update(code).digest('hex').slice(0, 32);
  const folder = join(cacheFolder, 'plugins');
  const target = join(folder, `${name}.mjs`);
  await mkdir(folder, { recursive: true });
  const incoming = `${target}.${process.pid}.${Date.now()}`;
  await writeFile(incoming, code);
  await rename(incoming, target);
  return target;
}

/** Relative imports are bundled; `satchel/sdk` and `zod` are the running ones; packages are the plugin's, else Satchel's. */
const resolveAsInstalled: Plugin = {
  name: 'satchel-imports',
  setup(bundler) {
    const ownFile = fileURLToPath(import.meta.url);
    const sdk = new URL(`../activities/sdk${extname(ownFile)}`, import.meta.url).href;
    bundler.onResolve({ filter: /^satchel\/sdk$/ }, () => ({ path: sdk, external: true }));
    bundler.onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (kind === 'entry-point' || pluginData === inner || path.startsWith('node:')) return undefined;
      if (path === 'zod' || path.startsWith('zod/')) return external(await ownImport(path), path);
      const fromPlugin = await bundler.resolve(path, { kind, importer, resolveDir, pluginData: inner });
      return external(fromPlugin.errors.length === 0 ? fromPlugin : await ownImport(path), path);
    });

    function ownImport(path: string) {
      return bundler.resolve(path, { kind: 'import-statement', resolveDir: dirname(ownFile), pluginData: inner });
    }
    /** Packages stay what they are, at the place they were found. */
    function external(found: { path: string; external: boolean; errors: unknown[] }, path: string) {
      if (found.errors.length > 0) return { errors: [{ text: `the package "${path}" is not installed` }] };
      return { path: found.external ? found.path : pathToFileURL(found.path).href, external: true };
    }
  },
};
/** Marks the resolution that an own resolution asks for. */
const inner = Symbol('inner');

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

function notLoaded(file: string, line: number | undefined, problem: string, cause?: unknown): SatchelError {
  const place = line === undefined ? file : `${file}:${line}`;
  return new SatchelError('PLUGIN_NOT_LOADED', `The plugin does not load: ${place}: ${problem}.`, {
    details: { file, ...(line !== undefined && { line }) },
    cause,
  });
}
