/** Publishing, and going back: a checked change of the tenant's layer with a version of its own, all in one save. */
import type { Session } from '../../../repository/api.js';
import { RepositoryError } from '../../../repository/errors.js';
import type { ContentChange, WrittenChange } from '../../../repository/content/change-content.js';
import type { Tenant } from '../../../repository/overlay/api.js';
import { SatchelError } from '../../../workflows/contract/errors.js';
import { recordLastGood } from '../last-good.js';
import { isNonEmpty, invalidTemplate, type TemplateProblem } from '../template-problem.js';
import { draftPath, layerRootOf } from './author.js';
import { checkPublication, type AuthoringServices } from './check-publication.js';
import { asConflict } from './conflict.js';
import { assertLock, findDraft, type Draft, type DraftOptions } from './drafts.js';
import { changesOfPart, placeOfPart, readLayerPart } from './layer-parts.js';
import { conflictLines } from './merge-text.js';
import { readPartName } from './part-name.js';
import { listVersions, readVersionChanges, textsBefore, versionRecord, type VersionChange } from './versions.js';

export interface PublishingServices extends AuthoringServices {
  /** Changes content in its file where it has one, else in the repository; saves. */
  readonly change: (session: Session, changes: readonly ContentChange[]) => Promise<readonly WrittenChange[]>;
}

export interface Published {
  readonly template: string;
  readonly tenant: string;
  /** The version in force; 0 where none was published. */
  readonly version: number;
  /** False where there was nothing to change. */
  readonly published: boolean;
  readonly parts: readonly string[];
  readonly written: readonly WrittenChange[];
  /** How many tenants × locales were rendered first. */
  readonly rendered: number;
}

export interface PublishOptions extends DraftOptions {
  readonly comment?: string | undefined;
}

const maxCommentCharacters = 1000;

/**
 * Publishes the draft, which is gone then. Without a draft, or with one that changes nothing, nothing happens.
 * @param session of the author, without unsaved changes
 * @throws SatchelError INVALID_TEMPLATE (does not render, or holds marks of a conflict), TEMPLATE_CONFLICT (another draft than
 * `lock` names, a part that was changed since it came into the draft, or a publication that was first)
 */
export async function publishDraft(
  services: PublishingServices,
  session: Session,
  { tenant, template }: { readonly tenant: Tenant; readonly template: string },
  { comment = '', lock }: PublishOptions = {},
): Promise<Published> {
  await session.refresh();
  const draft = await findDraft(session, tenant, template);
  assertLock(draft, lock, template);
  if (!draft) return unchanged(session, tenant, template);
  await refuseMarks(session, tenant, draft);
  const changes: VersionChange[] = [];
  for (const [part, { text, base, published }] of Object.entries(draft.parts)) {
    const now = (await readLayerPart(session, layerRootOf(tenant), template, readPartName(part))) ?? null;
    if (now === text) continue;
    if (now !== published) {
      throw new SatchelError(
        'TEMPLATE_CONFLICT',
        `${part} of "${template}" was changed since it came into the draft. "satchel template upstream ${template} --merge" brings both together.`,
        { details: { template, part } },
      );
    }
    changes.push({ part, before: now, after: text, base: text === null ? null : base });
  }
  const withDraft: ContentChange[] = [{ path: draftPath(tenant, template), remove: true, isRecord: true }];
  return writeVersion(services, session, { tenant, template, changes, comment, also: withDraft });
}

export interface RollbackOptions {
  /** The version whose state comes back; default: the one before that in force. */
  readonly to?: number | undefined;
  readonly comment?: string | undefined;
}

/**
 * Brings an earlier state back, as a version of its own; a draft stays as it is.
 * @throws RepositoryError PATH_NOT_FOUND (no such version, or none before); SatchelError as `publishDraft`
 */
export async function rollBack(
  services: PublishingServices,
  session: Session,
  { tenant, template }: { readonly tenant: Tenant; readonly template: string },
  { to, comment }: RollbackOptions = {},
): Promise<Published> {
  await session.refresh();
  const versions = await listVersions(session, tenant, template);
  const newest = versions[0];
  const target = to ?? (newest ? (newest.restored ?? newest.number) - 1 : 0);
  if (!newest || target < 0 || target > newest.number) {
    const known = newest ? `it has 0 (before the first) to ${newest.number}` : 'nothing was published';
    throw new RepositoryError('PATH_NOT_FOUND', `"${template}" of ${tenant.name} has no such version; ${known}.`, {
      paths: [tenant.root],
    });
  }
  const later = versions.filter(({ number }) => number > target);
  const undone: (readonly VersionChange[])[] = [];
  for (const { number } of later) undone.push(await readVersionChanges(session, tenant, template, number));
  const bases = await basesAt(session, tenant, template, target);
  const changes: VersionChange[] = [];
  for (const [part, after] of textsBefore(undone)) {
    const before = (await readLayerPart(session, layerRootOf(tenant), template, readPartName(part))) ?? null;
    if (before !== after)
      changes.push({ part, before, after, base: after === null ? null : (bases.get(part) ?? null) });
  }
  return writeVersion(services, session, {
    tenant,
    template,
    changes,
    comment: comment ?? `back to version ${target}`,
    restored: target,
    also: [],
  });
}

interface NewVersion {
  readonly tenant: Tenant;
  readonly template: string;
  readonly changes: readonly VersionChange[];
  readonly comment: string;
  readonly restored?: number;
  /** Saved with it. */
  readonly also: readonly ContentChange[];
}

async function writeVersion(
  services: PublishingServices,
  session: Session,
  { tenant, template, changes, comment, restored, also }: NewVersion,
): Promise<Published> {
  if (comment.length > maxCommentCharacters) {
    throw new SatchelError('INVALID_REQUEST', `The comment is longer than ${maxCommentCharacters} characters.`);
  }
  const write = async (wanted: readonly ContentChange[]) => {
    try {
      return await services.change(session, wanted);
    } catch (error) {
      throw asConflict(error, template);
    }
  };
  if (changes.length === 0) {
    if (also.length > 0) await write(also);
    return unchanged(session, tenant, template);
  }
  const rendered = await checkPublication(services, session, { tenant, template, changes });
  const content: ContentChange[] = [];
  for (const { part, after } of changes) {
    content.push(...(await changesOfPart(session, layerRootOf(tenant), template, readPartName(part), after)));
  }
  const [newest] = await listVersions(session, tenant, template);
  const version = (newest?.number ?? 0) + 1;
  const record = await versionRecord(session, tenant, template, { number: version, comment, restored, changes });
  const written = await write([record, ...content, ...also]);
  await services.repository.withSession({ service: 'workflow' }, async (service) => {
    await recordLastGood(service, rendered);
  });
  return {
    template,
    tenant: tenant.name,
    version,
    published: true,
    parts: changes.map(({ part }) => part),
    written: written.slice(1, 1 + content.length),
    rendered: rendered.length,
  };
}

async function unchanged(session: Session, tenant: Tenant, template: string): Promise<Published> {
  const [newest] = await listVersions(session, tenant, template);
  const version = newest?.number ?? 0;
  return { template, tenant: tenant.name, version, published: false, parts: [], written: [], rendered: 0 };
}

/** What each part was customised from as of a version. */
async function basesAt(session: Session, tenant: Tenant, template: string, number: number) {
  const bases = new Map<string, VersionChange['base']>();
  for (const version of (await listVersions(session, tenant, template)).reverse()) {
    if (version.number > number) break;
    for (const { part, base } of await readVersionChanges(session, tenant, template, version.number)) {
      bases.set(part, base);
    }
  }
  return bases;
}

/** @throws SatchelError INVALID_TEMPLATE naming each line */
async function refuseMarks(session: Session, tenant: Tenant, { template, parts }: Draft): Promise<void> {
  const problems: TemplateProblem[] = [];
  for (const [part, { text }] of Object.entries(parts)) {
    const lines = text === null ? [] : conflictLines(text);
    if (lines.length === 0) continue;
    const { path, property } = await placeOfPart(session, layerRootOf(tenant), template, readPartName(part));
    const file = property === undefined ? path : `${path}/${property}`;
    for (const line of lines) problems.push({ file, line, message: `The draft's ${part} has a conflict here.` });
  }
  if (isNonEmpty(problems)) throw invalidTemplate(template, problems);
}
