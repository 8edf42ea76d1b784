/** A package that is larger than the memory it may take. SATCHEL_LARGE_PACKAGE=<bytes> for more than 64 MiB. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { PackageManager } from '../../repository/vault/package-manager.js';
import { writePackage } from '../../repository/vault/write-package.js';
import { buildFixture } from '../cli/build-fixture.js';
import { openEmbedded, temporaryFolder } from '../repository/world.js';

const mebibyte = 1024 * 1024;
const bytes = Number(process.env['SATCHEL_LARGE_PACKAGE'] ?? 64 * mebibyte);
const fileBytes = 16 * mebibyte;

async function largePackage(folder: string, size: number): Promise<string> {
  const file = join(folder, `${size}.zip`);
  const repository = await openEmbedded(join(folder, `from-${size}`));
  try {
    await repository.withSession('admin', async (session) => {
      await session.ensureNode('/content/large', { primaryType: 'sling:Folder' }, 'sling:Folder');
      for (let at = 0; at < size; at += fileBytes) {
        // Different bytes each, which do not compress: as images are.
        const data = await session.createBinary(chunks(Math.min(fileBytes, size - at)));
        const path = `/content/large/${at}.jpg`;
        await session.addNode(path, { primaryType: 'nt:file' });
        await session.addNode(`${path}/jcr:content`, {
          primaryType: 'nt:resource',
          properties: { 'jcr:data': data, 'jcr:mimeType': 'image/jpeg' },
        });
      }
      await session.save();
      const filters = [{ root: '/content/large', mode: 'replace' as const, nodeRules: [], propertyRules: [] }];
      const id = { group: 'tests', name: 'large', version: '1' };
      const source = writePackage({ session, id, filters });
      await pipeline(Readable.from(source, { objectMode: false }), createWriteStream(file));
    });
  } finally {
    await repository.close();
  }
  return file;
}

async function* chunks(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += mebibyte) yield randomBytes(Math.min(mebibyte, size - at));
}

async function peakOf(program: string, folder: string, file: string): Promise<{ peak: number; steps: number }> {
  const child = spawn(process.execPath, [program, folder, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [, peak, steps] = /^done (\d+) (\d+)$/m.exec(await text(child.stdout)) ?? [];
  return { peak: Number(peak), steps: Number(steps) };
}

it(`a package of ${Math.round(bytes / mebibyte)} MiB installs with progress, in the memory that a small one takes`, async () => {
  const program = await buildFixture(new URL('./fixtures/install-package.ts', import.meta.url));
  const folder = await temporaryFolder();
  const small = await peakOf(program, join(folder, 'small'), await largePackage(folder, mebibyte));
  const target = join(folder, 'large');
  const large = await peakOf(program, target, await largePackage(folder, bytes));
  expect(large.steps).toBeGreaterThan(bytes / mebibyte);
  // What streams and their buffers take, and no share of the package: files are stored four at a time.
  expect(large.peak - small.peak, `${small.peak} for a small one, ${large.peak} for this`).toBeLessThan(100 * mebibyte);
  const repository = await openEmbedded(target);
  try {
    await repository.withSession('admin', async (session) => {
      let sum = 0;
      for await (const node of session.descendants('/content/large')) sum += node.binary('jcr:data')?.size ?? 0;
      expect(sum).toBe(bytes);
    });
    const manager = new PackageManager({ repository, userId: 'admin', temporaryFolder: folder });
    expect((await manager.verifyRecorded('large')).bytes).toBeGreaterThan(bytes);
  } finally {
    await repository.close();
  }
}, 600_000);
