import path from 'node:path';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { defineStep, z } from 'satchel/sdk';

const escape = (text: string) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

export const watermark = defineStep({
  id: 'acme/watermark',
  title: 'Watermark the renditions',
  description: 'Writes a line of text across every image rendition of a download; originals stay as they are.',
  config: z.strictObject({ text: z.string().min(1).max(60), opacity: z.number().min(0.05).max(1).default(0.4) }),
  result: z.strictObject({ marked: z.int() }),
  examples: [{ title: 'A copyright line', config: { text: '© Aurora Magazine', opacity: 0.4 } }],

  async run({ config, download, services, tempFolder, progress, signal }) {
    const job = await download();
    const folder = await tempFolder();
    const images = (await job.entries()).filter(
      ({ kind, mimeType }) => kind !== 'original' && mimeType.startsWith('image/'),
    );
    const outcomes = [];
    for (const { index, blob } of images) {
      if (!blob) continue; // it failed to render, and the manifest says so already
      const [source, target] = [path.join(folder, `${index}`), path.join(folder, `${index}.marked`)];
      await writeFile(source, job.open(blob));
      // As wide as the picture, in its middle; the bar shows even where no font is installed.
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 120" opacity="${config.opacity}"><rect width="1000" height="120"/><text x="500" y="80" font-size="60" font-family="sans-serif" font-weight="bold" text-anchor="middle" fill="#fff">${escape(config.text)}</text></svg>`;
      await services.renderer.overlay(source, { svg, target }, signal);
      outcomes.push({ index, blob: await job.createBlob(createReadStream(target)) });
      progress({ files: { done: outcomes.length, total: images.length } });
    }
    await job.recordOutcomes(outcomes);
    return { marked: outcomes.length };
  },
});
