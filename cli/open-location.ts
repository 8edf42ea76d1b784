/** Where a repository lies, as it is typed: a data folder, whose satchel.json says which stores it has. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readConfiguration } from '../engine/configuration.js';
import type { RepositoryStores } from '../repository/repository.js';
import { SatchelError } from '../workflows/contract/errors.js';

/**
 * @param location a data folder
 * @param options.mustExist else an empty repository is made where there is none
 * @param options.verify compares files with their checksums first
 * @throws SatchelError DATA_FOLDER, INVALID_REQUEST; RepositoryError STORE_LOCKED, STORE_CORRUPT
 */
export async function openLocation(
  location: string,
  options: { readonly mustExist: boolean; readonly cwd?: string; readonly verify?: boolean },
): Promise<RepositoryStores> {
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(location) ?? [];
  if (scheme !== undefined) {
    throw new SatchelError(
      'INVALID_REQUEST',
      `There is no store for "${scheme}:" addresses; name a data folder whose satchel.json says where its stores are.`,
    );
  }
  const folder = path.resolve(options.cwd ?? '.', location);
  // The variables of the environment would mean both sides of a move.
  const { repository } = await readConfiguration(folder, {});
  if (options.mustExist && !repository.postgres && !existsSync(path.join(folder, 'repository'))) {
    throw new SatchelError('DATA_FOLDER', `The folder "${folder}" holds no repository.`);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Everything that opens stores hangs from the composition root.
  const { openStoresIn } = await import('../compose.js');
  return openStoresIn(folder, repository, { verify: options.verify });
}

export async function closeStores({ nodes, blobs }: RepositoryStores): Promise<void> {
  await nodes.close();
  await blobs.close();
}
