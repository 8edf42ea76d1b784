/** Before the first act: an empty folder, overlays to change, content to download, people who ask for it. */
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SatchelError } from '../../workflows/contract/errors.js';
import { drawPictures } from './pictures.js';
import { writeSamplePackage } from './sample-package.js';
import type { SatchelCommands } from './satchel-process.js';

/** In every folder that a demo made, so that the next one may empty it. */
const marker = '.satchel-demo';

/** Three folders of content: of no tenant, and of the two example brands. */
export interface DemoFolders {
  readonly plain: string;
  readonly aurora: string;
  readonly nordlicht: string;
}

const ownFolders: DemoFolders = {
  plain: '/content/dam/demo/archive',
  aurora: '/content/dam/demo/aurora',
  nordlicht: '/content/dam/demo/nordlicht',
};

/**
 * Makes the folder; what an earlier demo left in it is removed, what anybody else left is not touched.
 * @throws SatchelError OUT_FOLDER
 */
export async function prepareFolder(out: string): Promise<void> {
  let names: string[];
  try {
    await mkdir(out, { recursive: true });
    names = await readdir(out);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError('OUT_FOLDER', `The folder ${out} cannot be used: ${reason}. Choose another with --out.`, {
      cause,
    });
  }
  if (names.length > 0 && !names.includes(marker)) {
    throw new SatchelError(
      'OUT_FOLDER',
      `The folder ${out} is not empty and not of an earlier demo: choose another with --out.`,
    );
  }
  await Promise.all(names.map((name) => rm(path.join(out, name), { recursive: true, force: true })));
  await writeFile(path.join(out, marker), 'The next demo empties this folder.\n');
}

/** A data folder whose configuration names the demo's own overlays and the example plugin. @returns its path */
export async function prepareData(out: string, packageRoot: string): Promise<string> {
  const dataFolder = path.join(out, 'data');
  const overlays = path.join(out, 'overlays');
  await mkdir(dataFolder, { recursive: true });
  await cp(path.join(packageRoot, 'overlays'), overlays, { recursive: true });
  const configuration = { overlays: [overlays], plugins: [path.join(packageRoot, 'examples', 'watermark-step')] };
  await writeFile(path.join(dataFolder, 'satchel.json'), `${JSON.stringify(configuration, undefined, 2)}\n`);
  return dataFolder;
}

/** Writes an overlay node as an administrator would: one small file. @returns its path relative to `out` */
export async function writeOverlay(
  out: string,
  resource: string,
  properties: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = path.join(out, 'overlays', resource);
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, '.content.json');
  await writeFile(file, `${JSON.stringify(properties, undefined, 2)}\n`);
  return path.relative(out, file);
}

export async function addUsers(satchel: SatchelCommands): Promise<void> {
  for (const { id, name, language, groups } of [
    { id: 'mara', name: 'Mara Lindt', language: 'en', groups: ['dam-users'] },
    { id: 'jonas', name: 'Jonas Weber', language: 'de', groups: ['dam-users'] },
    { id: 'petra', name: 'Petra Vogel', language: 'en', groups: ['dam-users', 'administrators'] },
  ]) {
    const profile = ['--name', name, '--email', `${id}@example.com`, '--language', language, '--group', ...groups];
    await satchel.run(['user', 'add', id, ...profile, '--password'], { input: `${demoPassword}\n` });
  }
}

/** Of the people of the demo, for the links in their mails. */
export const demoPassword = 'satchel-demo';

/**
 * Installs the given package, or one of pictures that the demo draws, and gives two folders to the example brands.
 * @throws SatchelError NOTHING_SELECTED when the package has fewer than three folders of assets
 */
export async function installContent(
  satchel: SatchelCommands,
  out: string,
  packageFile: string | undefined,
): Promise<DemoFolders> {
  const packages = path.join(out, 'packages');
  await mkdir(packages, { recursive: true });
  if (packageFile === undefined) {
    const file = path.join(packages, 'sample-pictures-1.0.zip');
    const folders = [
      { path: ownFolders.plain, title: 'Archive', pictures: await drawPictures('archive') },
      { path: ownFolders.aurora, title: 'Aurora', configRef: '/conf/aurora', pictures: await drawPictures('aurora') },
      {
        path: ownFolders.nordlicht,
        title: 'Nordlicht',
        configRef: '/conf/nordlicht',
        pictures: await drawPictures('nordlicht'),
      },
    ];
    await writeSamplePackage(file, 'sample-pictures', folders, 'replace');
    await satchel.show(['install', file]);
    return ownFolders;
  }
  await satchel.show(['install', packageFile]);
  const folders = chooseFolders((await satchel.json(['tree', '/content/dam'])) as Tree);
  const file = path.join(packages, 'demo-brands-1.0.zip');
  const brands = (['aurora', 'nordlicht'] as const).map((brand) => ({
    path: folders[brand],
    configRef: `/conf/${brand}`,
    pictures: [],
  }));
  await writeSamplePackage(file, 'demo-brands', brands, 'merge_properties');
  await satchel.show(['install', file]);
  return folders;
}

interface Tree {
  readonly nodes: readonly { readonly path: string; readonly primaryType: string }[];
}

/** The three folders with the most pictures directly in them; assets without an original do not count. */
function chooseFolders({ nodes }: Tree): DemoFolders {
  const originals = nodes.flatMap(
    ({ path: at }) => /^(.+)\/[^/]+\/jcr:content\/renditions\/original$/.exec(at)?.[1] ?? [],
  );
  const counts = new Map<string, number>();
  for (const folder of originals) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  const ranked = [...counts].sort(([a, inA], [b, inB]) => inB - inA || (a < b ? -1 : 1));
  const [plain, aurora, nordlicht] = ranked.map(([folder]) => folder);
  if (plain === undefined || aurora === undefined || nordlicht === undefined) {
    throw new SatchelError(
      'NOTHING_SELECTED',
      'The demo needs a package with at least three folders of assets below /content/dam.',
    );
  }
  return { plain, aurora, nordlicht };
}
