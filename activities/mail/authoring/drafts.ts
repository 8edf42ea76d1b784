/**
 * Drafts: what an author changes before it is published. One node a template and tenant,
 *
 *     /conf/<tenant>/satchel:mail/drafts/<template>   data (Binary, JSON), lockVersion, author, modified
 *
 * so that two authors never write over each other: a change names the lock version it was made from.
 */
import { RepositoryError } from '../../../repository/errors.js';
import type { Session } from '../../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../../repository/overlay/api.js';
import { SatchelError } from '../../../workflows/contract/errors.js';
import { assertTemplateName, draftPath, layerRootOf } from './author.js';
import { asConflict } from './conflict.js';
import { applyPart, maxPartBytes, readLayerPart } from './layer-parts.js';
import type { PartBase } from './part-base.js';
import { formatPartName, readPartName, type PartName } from './part-name.js';
import { recordedBase } from './versions.js';
import { belowOwnLayer } from './some-layers.js';
import { findEffectivePart } from './effective-parts.js';
import { baseOf } from './part-base.js';

export interface DraftPart {
  /** `null`: the layer shall have nothing of its own. */
  readonly text: string | null;
  /** `null` where nothing lay below. */
  readonly base: PartBase | null;
  /** What the layer said when the part was taken into the draft. */
  readonly published: string | null;
}

export interface Draft {
  readonly template: string;
  readonly tenant: string;
  /** Counts up with every change; 0 while there is no draft. */
  readonly lockVersion: number;
  readonly author: string;
  /** ISO 8601. */
  readonly modified: string;
  /** By part name, `subject@de`. */
  readonly parts: Readonly<Record<string, DraftPart>>;
}

const maxDraftBytes = 8 * 1024 * 1024;

/** `undefined` where there is none, or it may not be read. */
export async function findDraft(session: Session, tenant: Tenant, template: string): Promise<Draft | undefined> {
  const node = await session.findNode(draftPath(tenant, assertTemplateName(template)));
  const data = node?.binary('data');
  if (!node || !data) return undefined;
  const parts = JSON.parse(new TextDecoder().decode(await session.readBinary(data, maxDraftBytes))) as Draft['parts'];
  return {
    template,
    tenant: tenant.name,
    lockVersion: node.number('lockVersion') ?? 0,
    author: node.text('author') ?? '',
    modified: node.text('modified') ?? '',
    parts,
  };
}

/** @throws RepositoryError PATH_NOT_FOUND */
export async function getDraft(session: Session, tenant: Tenant, template: string): Promise<Draft> {
  const draft = await findDraft(session, tenant, template);
  if (draft) return draft;
  throw new RepositoryError(
    'PATH_NOT_FOUND',
    `${tenant.name} has no draft of "${template}": "satchel template edit" or "customise" begins one.`,
    { paths: [draftPath(tenant, template)] },
  );
}

export interface DraftChange {
  readonly part: PartName;
  /** `null`: nothing of its own; `undefined`: as it is in force now. */
  readonly text: string | null | undefined;
}

export interface DraftOptions {
  /** The lock version the change was made from; without it, whatever there is. */
  readonly lock?: number | undefined;
}

/**
 * Takes parts into the draft and changes them there, in one save. A part that comes in is compared to what lies below and what
 * is published from then on.
 * @param session of the author, without unsaved changes
 * @throws SatchelError TEMPLATE_CONFLICT (another change came first), INVALID_REQUEST (too long, or nothing to copy)
 */
export async function changeDraft(
  session: Session,
  overlay: OverlayResolver,
  { tenant, template }: { readonly tenant: Tenant; readonly template: string },
  changes: readonly DraftChange[],
  { lock }: DraftOptions = {},
): Promise<Draft> {
  await session.refresh();
  const before = await findDraft(session, tenant, template);
  assertLock(before, lock, template);
  const parts: Record<string, DraftPart> = { ...before?.parts };
  for (const { part, text } of changes) {
    const name = formatPartName(part);
    const known = parts[name] ?? (await takePart(session, overlay, tenant, template, part));
    parts[name] = { ...known, text: text === undefined ? known.text : text };
    const changed = parts[name].text;
    if (changed !== null && Buffer.byteLength(changed) > maxPartBytes) {
      throw new SatchelError('INVALID_REQUEST', `${name} has more than ${maxPartBytes} bytes.`, {
        details: { part: name },
      });
    }
  }
  return saveDraft(session, tenant, template, before, parts);
}

/** Writes a draft anew; of two at the same time one wins. @throws SatchelError TEMPLATE_CONFLICT */
export async function saveDraft(
  session: Session,
  tenant: Tenant,
  template: string,
  before: Draft | undefined,
  parts: Draft['parts'],
): Promise<Draft> {
  const lockVersion = (before?.lockVersion ?? 0) + 1;
  const modified = new Date();
  const text = JSON.stringify(parts);
  if (Buffer.byteLength(text) > maxDraftBytes) {
    throw new SatchelError('INVALID_REQUEST', `The draft has more than ${maxDraftBytes} bytes.`);
  }
  const path = draftPath(tenant, template);
  const properties = { data: await session.createBinary(text), lockVersion, author: session.userId, modified };
  try {
    if (before) await session.setProperties(path, properties);
    else {
      await session.ensureNode(path.slice(0, path.lastIndexOf('/')), { primaryType: 'sling:Folder' }, 'sling:Folder');
      await session.addNode(path, { primaryType: 'nt:unstructured', properties });
    }
    await session.save();
  } catch (error) {
    await session.refresh();
    throw asConflict(error, template);
  }
  const { name } = tenant;
  return { template, tenant: name, lockVersion, author: session.userId, modified: modified.toISOString(), parts };
}

/** @throws SatchelError TEMPLATE_CONFLICT, RepositoryError PATH_NOT_FOUND */
export async function discardDraft(
  session: Session,
  tenant: Tenant,
  template: string,
  { lock }: DraftOptions = {},
): Promise<Draft> {
  await session.refresh();
  const draft = await getDraft(session, tenant, template);
  assertLock(draft, lock, template);
  try {
    await session.remove(draftPath(tenant, template));
    await session.save();
  } catch (error) {
    await session.refresh();
    throw asConflict(error, template);
  }
  return draft;
}

/** The session sees the draft as if it were published, unsaved: for a preview. */
export async function applyDraft(session: Session, tenant: Tenant, { template, parts }: Draft): Promise<void> {
  for (const [name, { text, published }] of Object.entries(parts)) {
    if (text === null && published === null) continue;
    await applyPart(session, layerRootOf(tenant), template, readPartName(name), text);
  }
}

/** @throws SatchelError TEMPLATE_CONFLICT */
export function assertLock(draft: Draft | undefined, lock: number | undefined, template: string): void {
  const now = draft?.lockVersion ?? 0;
  if (lock === undefined || lock === now) return;
  const who = draft ? `${draft.author} changed it to version ${now}` : 'there is no draft any more';
  throw new SatchelError(
    'TEMPLATE_CONFLICT',
    `The draft of "${template}" is not the one this was made from (version ${lock}): ${who}. Look at it and try again.`,
    { details: { template, lockVersion: now } },
  );
}

async function takePart(
  session: Session,
  overlay: OverlayResolver,
  tenant: Tenant,
  template: string,
  part: PartName,
): Promise<DraftPart> {
  const published = (await readLayerPart(session, layerRootOf(tenant), template, part)) ?? null;
  const below = await findEffectivePart(session, belowOwnLayer(overlay), tenant, template, part);
  const base = (published !== null && (await recordedBase(session, tenant, template, part))) || baseOf(below);
  return { text: published ?? base?.text ?? null, base, published };
}
