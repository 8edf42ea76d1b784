/** A process of the benchmark `repository`: does one task, tells its parent how much memory that took at most, and ends. */
import { once } from 'node:events';
import path from 'node:path';
import { adminUser } from '../repository/api.js';
import type { Repository } from '../repository/api.js';
import { openRepository } from '../repository/repository.js';
import { createFilesystemBlobStore } from '../repository/store/filesystem/filesystem-blob-store.js';
import { chooseBackend } from './repository-backends.js';
import { addFolders, assetNodes, importAssets, nodesPerAsset, treeRoot, writeTreeBlobs } from './repository-tree.js';

export interface MemoryTask {
  readonly kind: 'import' | 'read';
  readonly folder: string;
  readonly backend: string;
  readonly url?: string;
  readonly nodes: number;
}

async function importTree(repository: Repository, nodes: number): Promise<void> {
  const assets = Math.ceil(nodes / nodesPerAsset);
  const blobs = await writeTreeBlobs(repository);
  await addFolders(repository, assets);
  function* tree() {
    for (let index = 0; index < assets; index++) yield assetNodes(index, blobs);
  }
  await repository.withSession(adminUser, (session) => importAssets(session, tree(), 20));
}

/** The whole tree in order, and every hundredth node once more by its path. */
async function readTree(repository: Repository): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    let count = 0;
    for await (const node of session.descendants(treeRoot)) {
      if (++count % 100 === 0) await session.getNode(node.path);
    }
  });
}

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => process.exit(130));
const [task] = (await once(process, 'message')) as [MemoryTask];
const repository = await openRepository({
  nodes: await chooseBackend(task).openStore('memory', false),
  blobs: await createFilesystemBlobStore({ folder: path.join(task.folder, 'memory-blobs') }),
});
try {
  await (task.kind === 'import' ? importTree(repository, task.nodes) : readTree(repository));
} finally {
  await repository.close();
}
process.send?.(process.resourceUsage().maxRSS * 1024);
process.exit(0);
