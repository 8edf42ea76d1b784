/**
 * Imports a tree of assets up to each of some sizes into one store, reads it whole and queries it, and reports after every step how long it took
 * and how much memory was resident at most. Run as a process of its own: what is measured is this process.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addFolders,
  assetNodes,
  importAssets,
  nodesPerAsset,
  treeRoot,
  writeTreeBlobs,
} from '../../bench/repository-tree.js';
import { boundHeapGrowth } from '../../cli/heap-growth.js';
import { adminUser } from '../../repository/api.js';
import type { Repository, Session } from '../../repository/api.js';
import { indexRoot } from '../../repository/query/index-definition.js';
import type { Query } from '../../repository/query/query.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { createPostgresNodeStore } from '../../repository/store/postgres/postgres-node-store.js';

export interface TreeTask {
  readonly folder: string;
  /** PostgreSQL instead of LevelDB: an empty database. */
  readonly url?: string;
  /** How many assets the tree has, one size after another. */
  readonly assets: readonly number[];
}

/** How one step went. */
export interface TreeStep {
  readonly step: 'import' | 'traverse' | 'query';
  readonly assets: number;
  /** Nodes written, nodes read, or hits. */
  readonly count: number;
  readonly milliseconds: number;
  /** Resident bytes at most, with pages of files; `undefined` where the system does not say it for a part of a process's life. */
  readonly peakBytes: number | undefined;
  /** The same without pages of files: LevelDB maps its tables, and the system takes these pages back when it needs them. Sampled. */
  readonly ownPeakBytes: number | undefined;
  /** At the end of the step. */
  readonly memory: NodeJS.MemoryUsage;
}

const assetsPerSave = 20;
const hitsPerPage = 1000;
/** Every asset has it, so paging comes to all of them. */
const everyAsset = 'catalogue';

async function measured(step: TreeStep['step'], assets: number, work: () => Promise<number>): Promise<void> {
  await forgetPeak();
  let ownPeakBytes = resident('RssAnon');
  const sample = () => {
    const now = resident('RssAnon');
    if (now !== undefined) ownPeakBytes = Math.max(ownPeakBytes ?? 0, now);
  };
  const sampling = setInterval(sample, 50);
  const started = performance.now();
  const count = await work();
  const milliseconds = performance.now() - started;
  clearInterval(sampling);
  sample();
  const peakBytes = resident('VmHWM');
  const report: TreeStep = {
    step,
    assets,
    count,
    milliseconds,
    peakBytes,
    ownPeakBytes,
    memory: process.memoryUsage(),
  };
  process.send?.(report);
}

/** proc(5): 5 sets the peak of what was resident to what is resident now. */
async function forgetPeak(): Promise<void> {
  if (process.platform === 'linux') await writeFile('/proc/self/clear_refs', '5');
}

/** proc(5), in bytes. */
function resident(field: 'VmHWM' | 'RssAnon'): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const status = readFileSync('/proc/self/status', 'utf8');
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  return Number(kibibytes) * 1024;
}

async function defineIndex(repository: Repository): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    await session.addNode(`${indexRoot}/treeSubject`, {
      primaryType: 'oak:QueryIndexDefinition',
      properties: { type: 'property', propertyNames: { type: 'Name', multiple: true, values: ['dc:subject'] } },
    });
    await session.save();
  });
  await repository.indexer.catchUp();
}

async function importTree(session: Session, repository: Repository, from: number, to: number): Promise<number> {
  const blobs = await writeTreeBlobs(repository);
  await addFolders(repository, to);
  await session.refresh();
  function* tree() {
    for (let index = from; index < to; index++) yield assetNodes(index, blobs);
  }
  await importAssets(session, tree(), assetsPerSave);
  return (to - from) * nodesPerAsset;
}

async function traverse(session: Session): Promise<number> {
  let count = 0;
  for await (const { primaryType } of session.descendants(treeRoot)) if (primaryType !== 'sling:Folder') count++;
  return count;
}

/** The first hits of a query, then all of them page by page. @returns the hits of all pages */
async function query(session: Session): Promise<number> {
  const asked: Query = { where: { property: 'dc:subject', op: '=', value: everyAsset } };
  await hitsOf(session, { ...asked, limit: 100 });
  const seen = new Set<string>();
  let after: string | undefined;
  do {
    const page = await hitsOf(session, { ...asked, limit: hitsPerPage, ...(after !== undefined && { after }) });
    for (const path of page.paths) seen.add(path);
    after = page.next;
  } while (after !== undefined);
  return seen.size;
}

async function hitsOf(session: Session, asked: Query): Promise<{ paths: string[]; next: string | undefined }> {
  const result = await session.query(asked);
  const paths: string[] = [];
  for await (const { path } of result.nodes()) paths.push(path);
  if (result.plan.indexes.length === 0) throw new Error(`no index was used: ${result.plan.text}`);
  return { paths, next: result.next };
}

// As the `satchel` command does.
boundHeapGrowth();
const [task] = (await once(process, 'message')) as [TreeTask];
const repository = await openRepository({
  nodes:
    task.url === undefined
      ? await createLevelNodeStore({ folder: join(task.folder, 'nodes') })
      : await createPostgresNodeStore({ url: task.url, poolSize: 3 }),
  blobs: await createFilesystemBlobStore({ folder: join(task.folder, 'blobs') }),
});
await defineIndex(repository);
let imported = 0;
for (const assets of task.assets) {
  await repository.withSession(adminUser, async (session) => {
    const from = imported;
    await measured('import', assets, () => importTree(session, repository, from, assets));
    await measured('traverse', assets, () => traverse(session));
    await measured('query', assets, () => query(session));
  });
  imported = assets;
}
await repository.close();
process.disconnect();
