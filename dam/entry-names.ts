/**
 * Names in an archive: safe on Windows, macOS and Linux, unique there too (also where case and Unicode form do not
 * count), and the same whatever order the selection came in.
 */
import { nameOf, parentOf } from '../repository/path.js';
import type { EntryKind, Layout } from '../workflows/contract/plan.js';

/** The archive's own last entry; files of that name at the top are renamed. */
export const manifestName = 'manifest.json';

/** Bytes of UTF-8 in one segment: file systems hold 255; the rest is room for ` (2)` and for what a person appends. */
export const maxSegmentBytes = 220;

// What no file system or only some allow, C0 and C1 controls, line separators, and marks that turn the reading direction
// (they make `gpj.exe` look like `exe.jpg`).
// eslint-disable-next-line no-control-regex
const unsafe = /[<>:"/\\|?*\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;
// Devices of Windows, with any extension, also with the superscript digits it accepts.
const reserved = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)/iu;

/** One safe path segment for any text; never empty. Safe names come back as they are, in Unicode form NFC. */
export function safeSegment(name: string): string {
  let safe = name.toWellFormed().normalize('NFC').replace(unsafe, '_');
  safe = shorten(trimEdges(safe), '');
  if (reserved.test(safe)) safe = `_${safe}`;
  return safe === '' ? '_' : safe;
}

/** Windows drops trailing dots and blanks, so two names would become one; leading blanks are as easily lost. */
function trimEdges(name: string): string {
  return name.replace(/^\s+/u, '').replace(/[.\s]+$/u, '');
}

/** Stem and extension (with its dot); a name that only starts with a dot has none. */
function splitExtension(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  // What follows the last dot of a sentence is no extension.
  if (dot <= 0 || name.length - dot > 17 || /\s/u.test(name.slice(dot))) return [name, ''];
  return [name.slice(0, dot), name.slice(dot)];
}

/** Puts a suffix before the extension, cutting the stem at a character so that all of it fits. */
function shorten(name: string, suffix: string): string {
  const [stem, extension] = splitExtension(name);
  const room = maxSegmentBytes - Buffer.byteLength(suffix) - Buffer.byteLength(extension);
  if (Buffer.byteLength(stem) <= room) return `${stem}${suffix}${extension}`;
  let kept = '';
  let bytes = 0;
  for (const character of stem) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    kept += character;
  }
  return `${trimEdges(kept)}${suffix}${extension}`;
}

/** Two names are one where file systems ignore case (Windows, macOS) or normalise (macOS). */
function collisionKey(name: string): string {
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC');
}

/** Bytewise on UTF-16: the same on every machine, unlike a locale's order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a name is made from. */
export interface NamedFile {
  /** Path of the asset. */
  readonly asset: string;
  readonly kind: EntryKind;
  readonly rendition: string;
}

/** A file with the segments it would like, and for each the thing it stands for: equal ids share a folder. */
interface Wish {
  readonly segments: readonly { readonly name: string; readonly id: string }[];
}

/**
 * Names for the files of one archive, in the order of the files. `root` is the folder that hierarchies start at
 * (`hierarchyRoot`). Equal names are numbered (`name (2).jpg`) in the order of the assets' paths.
 */
export function entryNames(files: readonly NamedFile[], layout: Layout, root: string): string[] {
  const assets = new Set(files.map(({ asset }) => asset));
  return uniqueNames(
    files.map((file) => ({ segments: wishedSegments(file, assets, layout, root) })),
    [manifestName],
  );
}

function wishedSegments(
  { asset, kind, rendition }: NamedFile,
  assets: ReadonlySet<string>,
  layout: Layout,
  root: string,
): Wish['segments'] {
  const assetName = nameOf(asset);
  const perAsset = layout === 'asset' || layout === 'asset-hierarchy';
  const fileName =
    kind === 'original' ? assetName : perAsset ? rendition : `${splitExtension(assetName)[0]}.${rendition}`;
  const folders: { name: string; id: string }[] = [];
  if (layout === 'hierarchy' || layout === 'asset-hierarchy') {
    const prefix = root === '/' ? '' : root;
    let id = prefix;
    for (const name of parentOf(asset).slice(prefix.length).split('/').filter(Boolean)) {
      const inAsset = layout === 'hierarchy' && assets.has(id);
      id += `/${name}`;
      // `a.pdf` is a file there and cannot be a folder too: its subassets lie beside it, in `a.pdf.subassets`.
      const holder = inAsset ? folders.pop() : undefined;
      folders.push({ name: holder ? `${holder.name}.${name}` : name, id });
    }
  }
  if (perAsset) folders.push({ name: assetName, id: asset });
  return [...folders, { name: fileName, id: `${asset}\0${kind}\0${rendition}` }];
}

/** The deepest folder that holds every path: what a hierarchy in the archive starts below. */
export function hierarchyRoot(paths: readonly string[]): string {
  const [first = '/', ...others] = paths.map((path) => parentOf(path) || '/');
  let root = first;
  for (const other of others) {
    while (root !== '/' && other !== root && !other.startsWith(`${root}/`)) root = parentOf(root) || '/';
  }
  return root;
}

/**
 * Makes given archive paths safe and unique, in the order given: for names a step chose. The first of equal names keeps it.
 */
export function settleNames(names: readonly string[]): string[] {
  return uniqueNames(
    names.map((name, index) => {
      const segments = name.split('/').filter(Boolean);
      const position = String(index).padStart(10, '0');
      return {
        segments: (segments.length > 0 ? segments : ['_']).map((segment, depth, all) => ({
          name: segment,
          id: depth === all.length - 1 ? `file ${position}` : all.slice(0, depth + 1).join('/'),
        })),
      };
    }),
    [manifestName],
  );
}

interface Child {
  readonly id: string;
  readonly wishes: number[];
  readonly wished: string;
}

/** Walks the tree of wishes folder by folder; in each, every child gets a name of its own. */
function uniqueNames(wishes: readonly Wish[], taken: readonly string[]): string[] {
  const names = wishes.map(() => '');
  const walk = (indexes: readonly number[], depth: number, prefix: string, reservedNames: readonly string[]) => {
    const children = new Map<string, Child>();
    for (const index of indexes) {
      const segment = wishes[index]?.segments[depth];
      if (!segment) continue;
      const leaf = wishes[index]?.segments.length === depth + 1;
      // Two entries of one identity (a size asked for twice in different quality) are still two files.
      const key = leaf ? `${segment.id}\0${index}` : segment.id;
      const child = children.get(key) ?? { id: segment.id, wishes: [], wished: safeSegment(segment.name) };
      child.wishes.push(index);
      children.set(key, child);
    }
    const sorted = [...children.values()].sort((a, b) => compareText(a.id, b.id));
    const chosen = distinct(
      sorted.map(({ wished }) => wished),
      reservedNames,
    );
    sorted.forEach((child, position) => {
      const path = `${prefix}${chosen[position] ?? child.wished}`;
      const deeper = child.wishes.filter((index) => (wishes[index]?.segments.length ?? 0) > depth + 1);
      for (const index of child.wishes) names[index] = path;
      if (deeper.length > 0) walk(deeper, depth + 1, `${path}/`, []);
    });
  };
  walk([...wishes.keys()], 0, '', taken);
  return names;
}

/** First everyone whose name is free takes it, then the others get the lowest free number: no numbered name is pushed off. */
function distinct(wished: readonly string[], reservedNames: readonly string[]): string[] {
  const used = new Set(reservedNames.map(collisionKey));
  const take = (name: string) => {
    const key = collisionKey(name);
    if (used.has(key)) return false;
    used.add(key);
    return true;
  };
  const result: (string | undefined)[] = wished.map((name) => (take(name) ? name : undefined));
  const next = new Map<string, number>();
  return result.map((name, index) => {
    if (name !== undefined) return name;
    const wish = wished[index] ?? '_';
    const key = collisionKey(wish);
    for (let number = next.get(key) ?? 2; ; number += 1) {
      const numbered = shorten(wish, ` (${number})`);
      if (!take(numbered)) continue;
      next.set(key, number + 1);
      return numbered;
    }
  });
}
