import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { testStep } from 'satchel/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { watermark } from './watermark.js';

const picture = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#3b82f6' } })
  .jpeg()
  .toBuffer();
const overlay = new URL(
  'overlays/conf/aurora/settings/workflow/models/dam/download-asset/.content.json',
  import.meta.url,
);

describe('acme/watermark', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function run(config: { text: string; opacity?: number }) {
    const test = await testStep(watermark, {
      tree: { '/content/dam/sea.jpg': picture },
      download: { paths: ['/content/dam/sea.jpg'], renditions: ['cq5dam.thumbnail.*'], originals: true },
      config,
    });
    closing.push(test.close);
    return test;
  }

  it('changes the pixels of every rendition, keeps its size, and leaves the original as it is', async () => {
    const { result, entries, download } = await run({ text: '© Aurora' });
    expect(result).toEqual({ marked: 3 });
    for (const { kind, blob, replacedBy, rendition } of entries) {
      const bytes = Buffer.from(await download().read(blob ?? expect.fail(`${rendition} has no bytes`)));
      if (kind === 'original') {
        expect(bytes.equals(picture)).toBe(true);
        continue;
      }
      expect(replacedBy).toEqual(['acme/watermark']);
      const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const middle = (Math.floor(info.height / 2) * info.width + 1) * info.channels;
      // Blue everywhere but under the dark bar across the middle.
      expect(data[2]).toBeGreaterThan(225);
      expect(data[middle + 2]).toBeLessThan(200);
    }
  });

  it.each([
    ['no text', { text: '' }, /text/],
    ['an opacity above 1', { text: '©', opacity: 2 }, /opacity/],
  ])('refuses %s', async (_name, config, problem) => {
    await expect(run(config)).rejects.toMatchObject({
      code: 'INVALID_STEP_CONFIG',
      message: expect.stringMatching(problem) as string,
    });
  });

  it('accepts the configuration of its own overlay', async () => {
    const model = JSON.parse(await readFile(overlay, 'utf8')) as { watermark: { step: string; config: unknown } };
    expect(model.watermark.step).toBe(watermark.id);
    expect(watermark.config.safeParse(model.watermark.config).success).toBe(true);
  });
});
