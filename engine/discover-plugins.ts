/**
 * Finds plugins: npm packages with the keyword `satchel-plugin` and a key `satchel`. Only package.json files are read; nothing
 * of a plugin runs until the configuration names it.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { pluginManifest, type PluginManifest } from './plugin-manifest.js';

export const pluginKeyword = 'satchel-plugin';

/** A package.json is a page; who wrote more did not write one. */
const maxManifestBytes = 256 * 1024;
/** Packages of one folder that are looked at. */
const maxPackages = 10_000;

export interface InstalledPlugin {
  readonly name: string;
  readonly version: string;
  /** Absolute. */
  readonly folder: string;
  readonly manifest: PluginManifest | undefined;
  /** Why it cannot be loaded, as far as its package.json tells. */
  readonly problem: string | undefined;
}

/**
 * Where packages are looked for, the first hit counting: `<data>/plugins` and `<data>/node_modules`, and the `node_modules` that
 * Satchel itself is installed in.
 */
export function pluginFolders(dataFolder: string, packageRoot: string): string[] {
  const around = path.dirname(packageRoot);
  return [
    path.join(dataFolder, 'plugins'),
    path.join(dataFolder, 'node_modules'),
    ...(path.basename(around) === 'node_modules' ? [around] : []),
  ];
}

/** Plugins below these folders, by name. Of two of one name that of the earlier folder. */
export async function discoverPlugins(folders: readonly string[]): Promise<InstalledPlugin[]> {
  const found = new Map<string, InstalledPlugin>();
  for (const folder of folders) {
    for (const candidate of await packagesIn(folder)) {
      const plugin = await inspectPlugin(candidate);
      if (plugin && !found.has(plugin.name)) found.set(plugin.name, plugin);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The folder of a plugin that the configuration names: as a folder, or by the name of a package below one of `folders`.
 * @param named absolute, as the configuration resolves it
 */
export function pluginFolder(named: string, folders: readonly string[]): string {
  if (existsSync(path.join(named, 'package.json'))) return named;
  const [scope = '', name = ''] = named.split(path.sep).slice(-2);
  const packageName = scope.startsWith('@') ? path.join(scope, name) : name;
  const folder = folders.map((below) => path.join(below, packageName)).find((at) => existsSync(at));
  // What does not exist is refused where it is loaded, with the name it was given.
  return folder ?? named;
}

/** @returns `undefined` for what is no plugin */
export async function inspectPlugin(folder: string): Promise<InstalledPlugin | undefined> {
  const file = path.join(folder, 'package.json');
  const content = await readManifestFile(file);
  if (content === undefined) return undefined;
  const { name, version, keywords, satchel } = content;
  const isPlugin = Array.isArray(keywords) && keywords.includes(pluginKeyword);
  if (!isPlugin && satchel === undefined) return undefined;
  const parsed = pluginManifest.safeParse(content);
  const [issue] = parsed.error?.issues ?? [];
  const problem = issue && `${file}: ${issue.path.join('.')}: ${issue.message}`;
  return {
    name: typeof name === 'string' ? name : path.basename(folder),
    version: typeof version === 'string' ? version : '',
    folder,
    manifest: parsed.data,
    problem: problem ?? (isPlugin ? undefined : `${file}: keywords: must hold "${pluginKeyword}"`),
  };
}

async function readManifestFile(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    if ((await stat(file)).size > maxManifestBytes) return undefined;
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : undefined;
  } catch {
    // A folder without a readable package.json is no package.
    return undefined;
  }
}

async function packagesIn(folder: string): Promise<string[]> {
  const packages: string[] = [];
  for (const name of await foldersIn(folder)) {
    const scoped = name.startsWith('@')
      ? (await foldersIn(path.join(folder, name))).map((one) => path.join(name, one))
      : [name];
    packages.push(...scoped.map((one) => path.join(folder, one)));
    if (packages.length >= maxPackages) break;
  }
  return packages.slice(0, maxPackages);
}

/** Links count: package managers make them. */
async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}
