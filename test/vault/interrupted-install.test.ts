/** What is left of an installation whose process is killed. SATCHEL_KILLS=<how many> for more than six. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { installPackage } from '../../repository/vault/install.js';
import { PackageManager } from '../../repository/vault/package-manager.js';
import { listPackages, type PackageState } from '../../repository/vault/package-record.js';
import { recoverPackages } from '../../repository/vault/recover-packages.js';
import { buildFixture } from '../cli/build-fixture.js';
import { collect, openEmbedded, temporaryFolder } from '../repository/world.js';
import { docView, packageEntries, writeZip } from './package-builder.js';
import { contentOf } from './random-content.js';

const kills = Number(process.env['SATCHEL_KILLS'] ?? 6);
const nodeCount = 200;
const folderView = docView('jcr:primaryType="nt:unstructured"');

async function packageOf(name: string, folder: string): Promise<string> {
  const files: Record<string, string> = { 'content/site/.content.xml': folderView };
  for (let number = 0; number < nodeCount; number++) {
    const child = `content/site/${name}${number}`;
    files[`${child}/.content.xml`] = docView(`jcr:primaryType="nt:unstructured" from="${name}"`);
    files[`${child}/data.binary`] = `${name} ${number} `.repeat(2_000);
  }
  const entries = packageEntries({ filter: '<filter root="/content/site"/>', properties: { name }, files });
  return writeZip(join(folder, `${name}.zip`), entries);
}

/** @param moment what the process says before it is killed, and how long after @returns whether it was done before */
async function killed(program: string, args: readonly string[], moment: string, delay: number): Promise<boolean> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let done = false;
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('done')) done = true;
    if (line !== moment) continue;
    // The moment of the kill is what this is about: how far the process comes in between is left to chance.
    await setTimeout(delay);
    child.kill('SIGKILL');
  }
  await closed;
  return done;
}

describe('an installation whose process is killed', () => {
  it(
    `left what was there or what is new, and says which, ${kills} times`,
    async () => {
      const program = await buildFixture(new URL('./fixtures/install-package.ts', import.meta.url));
      const folder = await temporaryFolder();
      const oldContent = await packageOf('old', folder);
      const newContent = await packageOf('new', folder);
      const moments = ['started', 'node 1', `node ${nodeCount / 2}`, `node ${nodeCount}`, `node ${nodeCount + 1}`];
      const outcomes: string[] = [];
      for (let kill = 0; kill < kills; kill++) {
        const data = join(folder, `data${kill}`);
        const first = await openEmbedded(data);
        await first.withSession('admin', async (session) => installPackage({ session, file: oldContent }));
        const before = await first.withSession('admin', async (session) => [...(await contentOf(session, '/content'))]);
        await first.close();
        const removes = kill % 4 === 3;
        if (removes) await killed(program, [data, newContent], 'never', 0);
        const moment = removes ? 'started' : (moments[kill % moments.length] ?? '');
        const args = removes ? [data, 'new', 'uninstall'] : [data, newContent];
        await killed(program, args, moment, Math.random() * 150);

        const nodes = await createLevelNodeStore({ folder: join(data, 'nodes') });
        const blobs = await createFilesystemBlobStore({ folder: join(data, 'blobs') });
        const repository = await openRepository({ nodes, blobs });
        try {
          const recovered = await recoverPackages(repository, true);
          const { content, state } = await repository.withSession('admin', async (session) => ({
            content: [...(await contentOf(session, '/content'))],
            state: (await collect(listPackages(session)))[0]?.state,
          }));
          outcomes.push(`${removes ? 'removal' : 'installation'}: ${state ?? 'no record'}`);
          const isNew = content.some(([path]) => path === '/content/site/new0');
          // The record says which it is.
          expect(state === 'installed', `kill ${kill}: ${state ?? 'no record'}`).toBe(isNew);
          const settled: (PackageState | undefined)[] = [undefined, 'installed', 'interrupted', 'uploaded'];
          expect(settled).toContain(state);
          for (const { state: outcome } of recovered) expect(outcome).toBe('before');
          if (!isNew) expect(content, `kill ${kill}: all as before`).toEqual(before);
          else expect(content).toHaveLength(nodeCount + 1);
          expect(await collect(checkRepository({ nodes, blobs }, { deep: true })), `kill ${kill}`).toEqual([]);
          // Nothing is in the way of doing it again, and of undoing it.
          const manager = new PackageManager({ repository, userId: 'admin', temporaryFolder: folder });
          await manager.install(newContent);
          await manager.uninstall('new');
          await repository.withSession('admin', async (session) => {
            expect([...(await contentOf(session, '/content'))]).toEqual(before);
          });
        } finally {
          await repository.close();
        }
      }
      expect(new Set(outcomes).size, outcomes.join(', ')).toBeGreaterThan(1);
    },
    60_000 + kills * 15_000,
  );
});
