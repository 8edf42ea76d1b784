/** Image assets to download: the WKND sample package where it is at hand, else pictures that the demo draws. */
import path from 'node:path';
import { drawPictures } from '../../../cli/demo/pictures.js';
import { writeSamplePackage } from '../../../cli/demo/sample-package.js';
import { sample } from '../../dam/support/samples.js';

export interface SampleContent {
  /** A content package. */
  readonly file: string;
  /** What it brings: a folder with images, and maybe other files. */
  readonly root: string;
  /** Images with an original. */
  readonly images: number;
}

/** @param folder takes the package that is made where the sample is not at hand */
export async function sampleContent(folder: string): Promise<SampleContent> {
  const wknd = sample('content/wknd-sample-assets-1.0.zip');
  // Counted in the package: 16 JPEG and 2 PNG originals.
  if (wknd !== undefined) return { file: wknd, root: '/content/dam/wknd-shared', images: 18 };
  const root = '/content/dam/pictures';
  const file = path.join(folder, 'pictures-1.0.zip');
  const collections = ['archive', 'aurora', 'nordlicht'];
  const folders = await Promise.all(
    collections.map(async (name) => ({ path: `${root}/${name}`, pictures: await drawPictures(name) })),
  );
  await writeSamplePackage(file, 'pictures', folders, 'replace');
  return { file, root, images: folders.reduce((count, { pictures }) => count + pictures.length, 0) };
}
