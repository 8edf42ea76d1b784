/** Changes of a history that leave the node alone: labels, and removing a version. */
import { RepositoryError } from '../errors.js';
import { assertName } from '../path.js';
import type { SaveContribution } from '../session-participant.js';
import type { StoreSnapshot, Write } from '../store/contract.js';
import { commitVersion, readTarget } from './commit-version.js';
import { requireVersionManagement } from './version-access.js';
import { historyWrite, labelsWrite, readLabels, readVersion, readVersions, versionWrite } from './version-history.js';
import type { History } from './version-history.js';
import type { VersionHost } from './version-host.js';
import { noVersion } from './version-host.js';
import { frozenRange, nameOfVersion, numberOfVersion, versionKey } from './version-keys.js';

interface Target {
  readonly path: string;
  readonly identifier: string;
}

/** @throws ITEM_EXISTS, INVALID_PATH, INVALID_VALUE */
export async function addLabel(
  host: VersionHost,
  target: Target,
  { version, label, moveLabel }: { readonly version: string; readonly label: string; readonly moveLabel: boolean },
): Promise<void> {
  assertName(label);
  if (numberOfVersion(label) !== undefined) {
    throw new RepositoryError('INVALID_VALUE', `The label "${label}" reads as the name of a version; choose another.`);
  }
  await edit(host, target, async (snapshot, history) => {
    const labels = await readLabels(snapshot, target.identifier);
    const holder = labels.get(label);
    if (holder !== undefined && holder !== version && !moveLabel) {
      throw new RepositoryError(
        'ITEM_EXISTS',
        `Another version of ${target.path} has the label "${label}" already; move it with moveLabel.`,
        { paths: [target.path] },
      );
    }
    return [historyWrite(history), labelsWrite(target.identifier, new Map(labels).set(label, version))];
  });
}

/** @throws PATH_NOT_FOUND */
export async function removeLabel(host: VersionHost, target: Target, label: string): Promise<void> {
  await edit(host, target, async (snapshot, history) => {
    const labels = new Map(await readLabels(snapshot, target.identifier));
    if (!labels.delete(label)) throw noVersion(target.path, label);
    return [historyWrite(history), labelsWrite(target.identifier, labels)];
  });
}

/** Its successors follow its predecessors then (JCR 2.0, section 15.8). @throws CONSTRAINT_VIOLATION, PATH_NOT_FOUND */
export async function removeVersion(host: VersionHost, target: Target, number: number): Promise<void> {
  const { path, identifier } = target;
  const name = nameOfVersion(number);
  await edit(host, target, async (snapshot, history) => {
    const removed = await readVersion(snapshot, identifier, number);
    if (!removed) throw noVersion(path, name);
    if (history.base === number) {
      throw new RepositoryError(
        'CONSTRAINT_VIOLATION',
        `The version ${name} of ${path} is its base version and cannot be removed.`,
        { paths: [path] },
      );
    }
    const labels = [...(await readLabels(snapshot, identifier))].filter(([, version]) => version !== name);
    const writes: Write[] = [historyWrite(history), labelsWrite(identifier, new Map(labels))];
    writes.push({ key: versionKey(identifier, number), remove: true });
    for await (const info of readVersions(snapshot, identifier)) {
      if (!info.predecessors.includes(name)) continue;
      const predecessors = info.predecessors.flatMap((predecessor) =>
        predecessor === name ? removed.predecessors : [predecessor],
      );
      writes.push(versionWrite(identifier, { ...info, predecessors: [...new Set(predecessors)] }));
    }
    for await (const batch of snapshot.range(frozenRange(identifier, number))) {
      for (const { key } of batch) writes.push({ key, remove: true });
    }
    return writes;
  });
}

async function edit(
  host: VersionHost,
  { path, identifier }: Target,
  writesOf: (snapshot: StoreSnapshot, history: History) => Promise<Write[]>,
): Promise<void> {
  await commitVersion(host, identifier, async (newest) => {
    await readTarget(newest, path, identifier);
    return {
      contribute: async ({ evaluator, snapshot }, history): Promise<SaveContribution> => {
        requireVersionManagement(evaluator, path);
        return { writes: history ? await writesOf(snapshot, history) : [] };
      },
    };
  });
}
