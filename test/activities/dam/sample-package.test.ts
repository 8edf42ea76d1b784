import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliverStep } from '../../../activities/dam/deliver.js';
import { packageStep } from '../../../activities/dam/package.js';
import { planDownloadStep } from '../../../activities/dam/plan-download.js';
import { renderStep } from '../../../activities/dam/render.js';
import { findPlan } from '../../../dam/download-job-store.js';
import { installPackage } from '../../../repository/vault/install.js';
import { openZip } from '../../../repository/vault/zip-reader.js';
import type { DownloadRequestInput } from '../../../workflows/contract/download-request.js';
import type { DownloadPlan } from '../../../workflows/contract/plan.js';
import { sample } from '../../dam/support/samples.js';
import { tempFolder } from '../../dam/support/temp-folder.js';
import { openWorld } from '../../dam/support/world.js';
import type { World } from '../../dam/support/world.js';
import { readWithOthers } from '../../dam/support/zip-tools.js';

const file = sample('content/wknd-sample-assets-1.0.zip');

describe.skipIf(!file)('the assets of a real content package', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    await world.change(async (session) => {
      await installPackage({ session, file: file ?? '' });
    });
  });
  afterAll(() => world.close());

  async function download(input: DownloadRequestInput): Promise<{ plan: DownloadPlan; archive: string }> {
    const out = await tempFolder();
    const payload = await world.request({ ...input, name: 'wknd', outFolder: out });
    for (const step of [planDownloadStep, renderStep, packageStep, deliverStep]) await world.run(step, payload);
    const plan = await world.repository.withSession('admin', (session) => findPlan(session, payload));
    if (!plan) throw new Error('was not planned');
    return { plan, archive: join(out, 'wknd.zip') };
  }

  it('come out as they went in: every original has the hash it has in the package', async () => {
    const expected: string[] = [];
    const zip = await openZip(file ?? '');
    for (const entry of zip.entries) {
      if (!entry.name.endsWith('/_jcr_content/renditions/original')) continue;
      const hash = createHash('sha256');
      for await (const chunk of entry.open()) hash.update(chunk);
      expected.push(hash.digest('hex'));
    }
    zip.close();
    const { plan, archive } = await download({ paths: ['/content/dam/wknd-shared'], layout: 'hierarchy' });
    expect(expected.length).toBe(19);
    expect(plan.totals).toMatchObject({ files: 19, toRender: 0, estimated: false });
    // The others are content fragments.
    expect(new Set(plan.skipped.map(({ code }) => code))).toEqual(new Set(['NOT_DOWNLOADABLE']));
    for (const entries of Object.values(await readWithOthers(archive))) {
      expect(
        entries
          .slice(0, -1)
          .map(({ sha256 }) => sha256)
          .sort(),
      ).toEqual([...expected].sort());
    }
  });

  it('have all their static renditions, so that nothing is made but what is not there', async () => {
    const { plan, archive } = await download({
      paths: ['/content/dam/wknd-shared'],
      originals: false,
      renditions: ['cq5dam.*'],
      dynamic: [{ width: 80, height: 60, format: 'webp' }],
    });
    // Five of each of 19 assets, two more PNG previews, and a dynamic one of each but the PDF.
    expect(plan.totals).toMatchObject({ files: 5 * 19 + 2 + 18, toRender: 18 });
    expect(plan.skipped.filter(({ code }) => code === 'NOT_AN_IMAGE').length).toBe(1);
    for (const entries of Object.values(await readWithOthers(archive)))
      expect(entries.length).toBe(5 * 19 + 2 + 18 + 1);
  });
});
