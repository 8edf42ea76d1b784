import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateRenditionsStep } from '../../../activities/dam/generate-renditions.js';
import { readAsset } from '../../../dam/asset.js';
import { staticRenditions } from '../../../dam/rendition-names.js';
import type { StepOutput } from '../../../workflows/contract/model.js';
import { openWorld, picture } from '../../dam/support/world.js';
import type { World } from '../../dam/support/world.js';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

interface Result {
  readonly assets: number;
  readonly renditions: number;
  readonly failedCount: number;
  readonly failed: { readonly asset: string; readonly code: string }[];
}

function total(outputs: readonly StepOutput[]): Result {
  const results = outputs.map(({ result }) => result as unknown as Result);
  const sum = (count: (result: Result) => number) => results.reduce((all, result) => all + count(result), 0);
  return {
    assets: sum(({ assets }) => assets),
    renditions: sum(({ renditions }) => renditions),
    failedCount: sum(({ failedCount }) => failedCount),
    failed: results.flatMap(({ failed }) => failed),
  };
}

describe('dam/generate-renditions', () => {
  it('gives every image below the payload the static set, and only what is missing (R1)', async () => {
    const assets: Record<string, Buffer> = {};
    for (let index = 0; index < 12; index += 1)
      assets[`/content/dam/new/f${index % 3}/${index}.jpg`] = await picture(index);
    await world.addAssets({
      ...assets,
      '/content/dam/new/text.txt': Buffer.from('x'),
      '/content/dam/old/y.jpg': await picture(50),
    });
    const outputs = await world.run(generateRenditionsStep, '/content/dam/new');
    expect(outputs.length).toBe(2);
    expect(total(outputs)).toEqual({ assets: 12, renditions: 60, failedCount: 0, failed: [] });

    await world.repository.withSession('ada', async (session) => {
      const asset = await readAsset(session, await session.getNode('/content/dam/new/f0/3.jpg'));
      expect(asset.renditions.map(({ name, mimeType }) => [name, mimeType])).toEqual(
        staticRenditions.map(({ name, spec }) => [name, `image/${spec.format}`]).sort(),
      );
      const other = await readAsset(session, await session.getNode('/content/dam/old/y.jpg'));
      expect(other.renditions).toEqual([]);
    });
    expect(await world.run(generateRenditionsStep, '/content/dam/new')).toEqual([]);
  });

  it('makes one asset, and only the renditions it lacks', async () => {
    await world.addAssets({ '/content/dam/new/a.jpg': await picture(1), '/content/dam/new/b.jpg': await picture(2) });
    await world.run(generateRenditionsStep, '/content/dam/new/a.jpg');
    await world.change((session) =>
      session.remove('/content/dam/new/a.jpg/jcr:content/renditions/cq5dam.web.1280.1280.jpeg'),
    );
    expect(total(await world.run(generateRenditionsStep, '/content/dam/new/a.jpg'))).toMatchObject({
      assets: 1,
      renditions: 1,
    });
  });

  it('names a broken image, and goes on with the others (R8)', async () => {
    const whole = await picture(1);
    await world.addAssets({
      '/content/dam/new/cut.jpg': whole.subarray(0, whole.length / 2),
      '/content/dam/new/no.png': Buffer.from('no picture'),
      '/content/dam/new/ok.jpg': whole,
    });
    const outputs = await world.run(generateRenditionsStep, '/content/dam/new');
    expect(outputs.map(({ partial }) => partial)).toEqual([true]);
    const { assets, failedCount, failed } = total(outputs);
    expect([assets, failedCount]).toEqual([1, 2]);
    expect(failed.map(({ asset, code }) => [asset, code]).sort()).toEqual([
      ['/content/dam/new/cut.jpg', 'IMAGE_UNREADABLE'],
      ['/content/dam/new/no.png', 'IMAGE_UNREADABLE'],
    ]);
  });
});
