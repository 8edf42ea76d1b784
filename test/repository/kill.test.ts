/** What is left of saves and uploads when their process is killed. SATCHEL_KILLS=<how many> for more than a dozen. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Repository, Session } from '../../repository/api.js';
import { checkRepository } from '../../repository/maintenance/check-repository.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { buildFixture } from '../cli/build-fixture.js';
import {
  contentOf,
  earlierFolder,
  newestFolder,
  parts,
  sha256Of,
  slots,
  tagOf,
  writers,
} from './fixtures/numbered-saves.js';
import { collect, temporaryFolder } from './world.js';

const kills = Number(process.env['SATCHEL_KILLS'] ?? 12);
/** Each folder is killed so often: more would only make the check of its blobs longer. */
const killsPerFolder = 12;

interface Acknowledged {
  readonly number: number;
  readonly sha256: string;
}

/** Lets the fixture save until some moment. @returns each writer's saves that were acknowledged, in order */
async function saveUntilKilled(program: string, folder: string): Promise<ReadonlyMap<string, Acknowledged[]>> {
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const output = text(child.stdout);
  // One kill in five may come while the repository is being opened; the others find the writers at work. The moment
  // within that is what the kill is about, so it is left to chance.
  const opening = Math.random() < 0.2;
  if (!opening) await Promise.race([once(child.stdout, 'data'), closed]);
  await setTimeout(Math.random() * 400);
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, string | null];
  expect(signal, 'the writers did not end by themselves').toBe('SIGKILL');
  const acknowledged = new Map<string, Acknowledged[]>(writers.map((writer) => [writer, []]));
  for (const line of (await output).split('\n')) {
    const [writer = '', number, sha256 = ''] = line.split(' ');
    acknowledged.get(writer)?.push({ number: Number(number), sha256 });
  }
  return acknowledged;
}

/** What a writer's saves up to a number leave behind: the tag of every node, with the hash of its binary. */
function expectedContent(writer: string, last: number): Map<string, string> {
  const content = new Map<string, string>();
  for (let number = 1; number <= last; number++) {
    const path = `${number === last ? newestFolder(writer) : earlierFolder(writer)}/${number}`;
    const tag = tagOf(writer, number);
    content.set(path, `${tag} ${sha256Of(contentOf(writer, number))}`);
    for (const part of parts) content.set(`${path}/${part}`, tag);
  }
  return content;
}

async function savedContent(session: Session, writer: string): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  for (const folder of [newestFolder(writer), earlierFolder(writer)]) {
    for await (const node of session.descendants(folder)) {
      const binary = node.binary('binary');
      const bytes = binary && (await session.readBinary(binary));
      content.set(node.path, (node.text('tag') ?? '') + (bytes ? ` ${sha256Of(bytes)}` : ''));
    }
  }
  return content;
}

/** @param before the number of the newest save each writer had @returns the same for now */
async function checkSaves(
  repository: Repository,
  before: ReadonlyMap<string, number>,
  acknowledged: ReadonlyMap<string, readonly Acknowledged[]>,
): Promise<Map<string, number>> {
  return repository.withSession('admin', async (session) => {
    const now = new Map<string, number>();
    for (const writer of writers) {
      const saves = acknowledged.get(writer) ?? [];
      const known = saves.at(-1)?.number ?? before.get(writer) ?? 0;
      const last = (await session.findNode(slots))?.number(writer) ?? 0;
      // The one save that was under way may have been confirmed to nobody, and is then there as a whole or not at all.
      expect([known, known + 1], `${writer}: the newest save`).toContain(last);
      expect(await savedContent(session, writer), `${writer}: content`).toEqual(expectedContent(writer, last));
      for (const { number, sha256 } of saves) expect(sha256).toBe(sha256Of(contentOf(writer, number)));
      now.set(writer, last);
    }
    return now;
  });
}

describe('a repository whose process is killed', () => {
  it(
    `has every confirmed save whole and no save half, ${kills} times`,
    async () => {
      const program = await buildFixture(new URL('./fixtures/save-without-end.ts', import.meta.url));
      let folder = '';
      let saved: ReadonlyMap<string, number> = new Map();
      let confirmed = 0;
      for (let kill = 0; kill < kills; kill++) {
        if (kill % killsPerFolder === 0) {
          folder = await temporaryFolder();
          saved = new Map();
        }
        const acknowledged = await saveUntilKilled(program, folder);
        const nodes = await createLevelNodeStore({ folder: join(folder, 'nodes') });
        const blobs = await createFilesystemBlobStore({ folder: join(folder, 'blobs') });
        const repository = await openRepository({ nodes, blobs });
        try {
          saved = await checkSaves(repository, saved, acknowledged);
          expect(await collect(checkRepository({ nodes, blobs }, { deep: true })), `kill ${kill}`).toEqual([]);
        } finally {
          await repository.close();
        }
        for (const saves of acknowledged.values()) confirmed += saves.length;
      }
      expect(confirmed, 'saves were under way').toBeGreaterThan(kills);
    },
    60_000 + kills * 10_000,
  );
});
