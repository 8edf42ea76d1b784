/**
 * Renditions that were made for downloads: `/var/dam/renditions/<first 2 of key>/<key>`. Work that was killed goes on where
 * it was, and equal renditions are made once. Nothing is lost when it is emptied.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../repository/api.js';
import type { BinaryValue } from '../repository/value.js';
import type { PlannedBlob, RenditionSpec } from '../workflows/contract/plan.js';
import { saveChanges } from './save-changes.js';

export const renditionCacheRoot = '/var/dam/renditions';

/** Everything that decides the bytes of a rendition. @param renderer `Renderer.version` */
export function renditionKey(source: PlannedBlob, spec: RenditionSpec, renderer: string): string {
  const { width, height, format, quality } = spec;
  return createHash('sha256')
    .update(JSON.stringify([source.sha256, width, height, format, quality, renderer]))
    .digest('hex');
}

function cachePath(key: string): string {
  return `${renditionCacheRoot}/${key.slice(0, 2)}/${key}`;
}

/** One batched read; in the order of the keys. */
export async function findRenditions(session: Session, keys: readonly string[]): Promise<(BinaryValue | undefined)[]> {
  const nodes = await session.findNodes(keys.map(cachePath));
  return nodes.map((node) => node?.binary('data'));
}

/** Saves at once: what was rendered is not rendered again, whatever happens next. */
export async function keepRenditions(
  session: Session,
  renditions: readonly { readonly key: string; readonly binary: BinaryValue }[],
): Promise<void> {
  await saveChanges(session, async () => {
    for (const { key, binary } of renditions) {
      await session.ensureNode(cachePath(key), { properties: { data: binary } });
    }
  });
}
