/** What a draft changes of what is published, and what is published changes of what lies below. */
import type { Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { layerRootOf } from './author.js';
import { findDraft } from './drafts.js';
import { findEffectivePart } from './effective-parts.js';
import { listLayerParts, readLayerPart } from './layer-parts.js';
import { formatPartName, readPartName } from './part-name.js';
import { belowOwnLayer } from './some-layers.js';
import { differenceLines } from './text-difference.js';

export interface PartDifference {
  readonly part: string;
  /** `draft`: over what is published, or inherited; `published`: over what lies below. */
  readonly of: 'draft' | 'published';
  /** Label of the layer that it lies over; `undefined` where no layer has the part. */
  readonly from: string | undefined;
  /** Marked `-`, `+` and ` `. */
  readonly lines: readonly string[];
}

export async function compareTemplate(
  session: Session,
  overlay: OverlayResolver,
  { tenant, template }: { readonly tenant: Tenant; readonly template: string },
): Promise<PartDifference[]> {
  const layerRoot = layerRootOf(tenant);
  const draft = await findDraft(session, tenant, template);
  const differences: PartDifference[] = [];
  for (const [part, { text }] of Object.entries(draft?.parts ?? {})) {
    const name = readPartName(part);
    const below = await findEffectivePart(session, belowOwnLayer(overlay), tenant, template, name);
    const own = await readLayerPart(session, layerRoot, template, name);
    const before = own ?? below?.text ?? null;
    const after = text ?? below?.text ?? null;
    if (before === after) continue;
    const from = own === undefined ? below?.layer : tenant.root;
    differences.push({ part, of: 'draft', from, lines: differenceLines(before, after) });
  }
  for (const name of await listLayerParts(session, layerRoot, template)) {
    const own = (await readLayerPart(session, layerRoot, template, name)) ?? null;
    const below = await findEffectivePart(session, belowOwnLayer(overlay), tenant, template, name);
    const lines = differenceLines(below?.text ?? null, own);
    differences.push({ part: formatPartName(name), of: 'published', from: below?.layer, lines });
  }
  return differences;
}
