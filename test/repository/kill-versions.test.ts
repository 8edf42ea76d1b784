/** What is left of a check-in or a restore when its process is killed: the state before or the state after. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { buildFixture } from '../cli/build-fixture.js';
import { partPaths, versionedTree } from './fixtures/numbered-versions.js';
import { collect, temporaryFolder } from './world.js';

const kills = 8;

/** @returns the names of the versions that were confirmed, with the number their nodes have */
async function runUntilKilled(program: string, folder: string): Promise<[string, number][]> {
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const output = text(child.stdout);
  await Promise.race([once(child.stdout, 'data'), closed]);
  // The moment within a check-in, a save or a restore is what the kill is about, so it is left to chance.
  await setTimeout(Math.random() * 300);
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, string | null];
  expect(signal, 'the work did not end by itself').toBe('SIGKILL');
  const lines = (await output).split('\n').map((line) => line.split(' '));
  return lines.flatMap(([name = '', number]): [string, number][] => (/^\d/.test(name) ? [[name, Number(number)]] : []));
}

async function checkTree(session: Session, confirmed: ReadonlyMap<string, number>): Promise<void> {
  const paths = [versionedTree, ...partPaths];
  const nodes = await session.findNodes(paths);
  expect(new Set(nodes.map((node) => node?.number('number'))).size, 'one number in the whole tree').toBe(1);
  expect(await collect(session.descendants(versionedTree))).toHaveLength(partPaths.length);
  const names = new Set<string>();
  for await (const version of session.versions.history(versionedTree)) {
    names.add(version.name);
    const frozen = await collect(session.versions.frozen(version));
    expect(frozen, `nodes of version ${version.name}`).toHaveLength(paths.length);
    const numbers = new Set(frozen.map(({ node }) => node.number('number')));
    expect(numbers.size, `one number in version ${version.name}`).toBe(1);
    const number = confirmed.get(version.name);
    if (number !== undefined) expect([...numbers], `version ${version.name}`).toEqual([number]);
  }
  for (const name of confirmed.keys()) expect(names, 'a confirmed version is there').toContain(name);
  // What is checked in is what its version says.
  if (await session.versions.isCheckedOut(versionedTree)) return;
  const base = (await collect(session.versions.history(versionedTree))).find(({ isBase }) => isBase);
  if (!base) throw new Error('a node that is checked in has a base version');
  expect(await collect(session.versions.diff(base, 'current'))).toEqual([]);
}

it(`a check-in or restore that is killed leaves the old or the new state, ${kills} times`, async () => {
  const program = await buildFixture(new URL('./fixtures/versions-without-end.ts', import.meta.url));
  const folder = await temporaryFolder();
  const confirmed = new Map<string, number>();
  for (let kill = 0; kill < kills; kill++) {
    for (const [name, number] of await runUntilKilled(program, folder)) confirmed.set(name, number);
    const nodes = await createLevelNodeStore({ folder: join(folder, 'nodes') });
    const blobs = await createFilesystemBlobStore({ folder: join(folder, 'blobs') });
    const repository = await openRepository({ nodes, blobs });
    try {
      await repository.withSession('admin', (session) => checkTree(session, confirmed));
      expect(await collect(checkRepository({ nodes, blobs })), `kill ${kill}`).toEqual([]);
    } finally {
      await repository.close();
    }
  }
  expect(confirmed.size, 'versions were made').toBeGreaterThan(0);
});
