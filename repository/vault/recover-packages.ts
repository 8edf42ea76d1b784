/** What became of packages whose installation or removal ended with its process. */
import { hostname } from 'node:os';
import { adminUser, type Repository } from '../api.js';
import type { PackageId } from './package-id.js';
import { listPackages, writePackageRecord, type PackageRecord } from './package-record.js';

export interface RecoveredPackage {
  readonly id: PackageId;
  /** What was cut short. */
  readonly was: 'installing' | 'uninstalling';
  /** `before`: nothing of it came to be. `running`: another process may be at it. */
  readonly state: 'before' | 'running';
}

/**
 * An installation is one commit, and so is the removal of a package: what was cut short left the content as it was before. This
 * says so in the records.
 * @param alone whether no other process can be working on the repository
 */
export async function recoverPackages(repository: Repository, alone: boolean): Promise<RecoveredPackage[]> {
  return repository.withSession(adminUser, async (session) => {
    const open: PackageRecord[] = [];
    for await (const record of listPackages(session)) {
      if (record.state === 'installing' || record.state === 'uninstalling') open.push(record);
    }
    const recovered: RecoveredPackage[] = [];
    for (const { id, state, installer, lastUnpacked } of open) {
      if (state !== 'installing' && state !== 'uninstalling') continue;
      if (!alone && mayRun(installer)) {
        recovered.push({ id, was: state, state: 'running' });
        continue;
      }
      const wasInstalled = lastUnpacked !== undefined;
      await writePackageRecord(session, id, { state: wasInstalled ? 'installed' : 'interrupted', installer: null });
      recovered.push({ id, was: state, state: 'before' });
    }
    await session.save();
    return recovered;
  });
}

/** A process of another machine cannot be looked for. */
function mayRun(installer: string | undefined): boolean {
  const [host, pid = ''] = installer?.split(' ') ?? [];
  if (host !== hostname()) return host !== undefined;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
