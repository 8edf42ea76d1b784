/** What changed below a tenant's layer since its parts were customised, and bringing that in. */
import type { Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { layerRootOf } from './author.js';
import { assertLock, findDraft, saveDraft, type Draft, type DraftOptions, type DraftPart } from './drafts.js';
import { findEffectivePart } from './effective-parts.js';
import { listLayerParts, readLayerPart } from './layer-parts.js';
import { mergeTexts } from './merge-text.js';
import { baseOf, type PartBase } from './part-base.js';
import { formatPartName, readPartName } from './part-name.js';
import { belowOwnLayer } from './some-layers.js';
import { recordedBase } from './versions.js';

export interface UpstreamPart {
  readonly part: string;
  /**
   * `changed`: another text lies below now. `gone`: nothing does. `unknown`: customised outside of drafts, so nobody knows from
   * what. `published`: the layer itself was changed since the part came into the draft.
   */
  readonly state: 'unchanged' | 'changed' | 'gone' | 'unknown' | 'published';
  /** The text it was customised from, and what lies below now. */
  readonly base: PartBase | null;
  readonly below: PartBase | null;
  /** The customised text: the draft's, else the published one. */
  readonly text: string | null;
}

export interface MergedPart {
  readonly part: string;
  /** 1-based lines of the draft where both sides changed the same. */
  readonly conflicts: readonly number[];
}

interface Customised {
  readonly tenant: Tenant;
  readonly template: string;
}

/** Every customised part, the draft's before the published one. */
export async function compareUpstream(
  session: Session,
  overlay: OverlayResolver,
  { tenant, template }: Customised,
): Promise<UpstreamPart[]> {
  const draft = await findDraft(session, tenant, template);
  return (await customisedParts(session, overlay, { tenant, template }, draft)).map(
    ({ part, held: { base, text, published }, now, below, isRecorded }) => {
      const changedInLayer = draft?.parts[part] !== undefined && now !== published && now !== text;
      const ofBelow = !below && base ? 'gone' : below?.text === base?.text ? 'unchanged' : 'changed';
      const state = changedInLayer ? 'published' : isRecorded ? ofBelow : 'unknown';
      return { part, state, base, below, text };
    },
  );
}

/**
 * Merges what changed below (and what was published meanwhile) into the draft, three-way; conflicts are marked in its text. A
 * second call finds nothing new.
 * @returns the draft, `undefined` where nothing changed @throws SatchelError TEMPLATE_CONFLICT
 */
export async function mergeUpstream(
  session: Session,
  overlay: OverlayResolver,
  { tenant, template }: Customised,
  { lock }: DraftOptions = {},
): Promise<{ readonly draft: Draft | undefined; readonly merged: readonly MergedPart[] }> {
  await session.refresh();
  const draft = await findDraft(session, tenant, template);
  assertLock(draft, lock, template);
  const parts: Record<string, DraftPart> = { ...draft?.parts };
  const merged: MergedPart[] = [];
  for (const { part, held, now, below, isRecorded } of await customisedParts(
    session,
    overlay,
    { tenant, template },
    draft,
  )) {
    let { text, base, published } = held;
    const conflicts: number[] = [];
    const bringIn = (from: string, to: string) => {
      const result = mergeTexts(text ?? '', from, to);
      text = result.text;
      conflicts.push(...result.conflicts);
    };
    if (now !== published && now !== text) {
      // What was taken out on either side stays out only where the other side did not change it.
      if (text !== null && now !== null) bringIn(published ?? '', now);
      else if (now !== null) text = now;
      published = now;
    } else {
      published = now;
    }
    if (isRecorded && base && below && below.text !== base.text && text !== null) {
      bringIn(base.text, below.text);
      base = below;
    }
    const before = parts[part];
    const isNew = text !== held.text || base !== held.base || (before !== undefined && published !== before.published);
    if (!isNew) continue;
    parts[part] = { text, base, published };
    merged.push({ part, conflicts });
  }
  if (merged.length === 0) return { draft: undefined, merged };
  return { draft: await saveDraft(session, tenant, template, draft, parts), merged };
}

async function customisedParts(
  session: Session,
  overlay: OverlayResolver,
  { tenant, template }: Customised,
  draft: Draft | undefined,
) {
  const layerRoot = layerRootOf(tenant);
  const names = new Set([
    ...(await listLayerParts(session, layerRoot, template)).map(formatPartName),
    ...Object.keys(draft?.parts ?? {}),
  ]);
  const found: {
    part: string;
    held: DraftPart;
    now: string | null;
    below: PartBase | null;
    isRecorded: boolean;
  }[] = [];
  for (const part of [...names].sort()) {
    const name = readPartName(part);
    const now = (await readLayerPart(session, layerRoot, template, name)) ?? null;
    const below = baseOf(await findEffectivePart(session, belowOwnLayer(overlay), tenant, template, name));
    const drafted = draft?.parts[part];
    const recorded = drafted ? (drafted.base ?? undefined) : await recordedBase(session, tenant, template, name);
    const held = drafted ?? { text: now, base: recorded ?? null, published: now };
    found.push({ part, held, now, below, isRecorded: recorded !== undefined });
  }
  return found;
}
