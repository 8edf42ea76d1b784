/**
 * What was published of a template, for good:
 *
 *     /conf/<tenant>/satchel:mail/versions/<template>/<number>   author, created, comment, restored, changes (Binary, JSON)
 *
 * A version holds what it changed, with the texts before and after. So every state can be had again, also what was
 * changed by hand between two versions, and nothing that other templates share is undone with it.
 */
import { RepositoryError } from '../../../repository/errors.js';
import type { RepositoryNode, Session } from '../../../repository/api.js';
import type { ContentChange } from '../../../repository/content/change-content.js';
import type { Tenant } from '../../../repository/overlay/api.js';
import { assertTemplateName, versionsPath } from './author.js';
import type { PartBase } from './part-base.js';
import { formatPartName, type PartName } from './part-name.js';

export interface VersionChange {
  /** `subject@de` */
  readonly part: string;
  /** `null`: the layer had nothing of its own. */
  readonly before: string | null;
  readonly after: string | null;
  /** What the part was customised from; `null` where that is not known, or nothing lay below. */
  readonly base: PartBase | null;
}

export interface TemplateVersion {
  /** From 1; 0 is what there was before the first. */
  readonly number: number;
  readonly author: string;
  /** ISO 8601. */
  readonly created: string;
  readonly comment: string;
  /** The version whose state a rollback brought back. */
  readonly restored: number | undefined;
  /** Names of the parts it changed. */
  readonly parts: readonly string[];
}

const maxVersionBytes = 16 * 1024 * 1024;

/** Newest first; nothing for what may not be read. */
export async function listVersions(session: Session, tenant: Tenant, template: string): Promise<TemplateVersion[]> {
  const versions: TemplateVersion[] = [];
  for await (const node of session.children(versionsPath(tenant, assertTemplateName(template)))) {
    versions.push(toVersion(node));
  }
  return versions.sort((a, b) => b.number - a.number);
}

/** @throws RepositoryError PATH_NOT_FOUND */
export async function readVersionChanges(
  session: Session,
  tenant: Tenant,
  template: string,
  number: number,
): Promise<readonly VersionChange[]> {
  const node = await session.getNode(`${versionsPath(tenant, template)}/${number}`);
  const data = node.binary('changes');
  if (!data) throw new RepositoryError('PATH_NOT_FOUND', `${node.path} has no changes.`, { paths: [node.path] });
  return JSON.parse(
    new TextDecoder().decode(await session.readBinary(data, maxVersionBytes)),
  ) as readonly VersionChange[];
}

/** What a published part was customised from; `undefined` for one that was never published here. */
export async function recordedBase(
  session: Session,
  tenant: Tenant,
  template: string,
  part: PartName,
): Promise<PartBase | undefined> {
  const name = formatPartName(part);
  for (const { number, parts } of await listVersions(session, tenant, template)) {
    if (!parts.includes(name)) continue;
    const changes = await readVersionChanges(session, tenant, template, number);
    return changes.find((change) => change.part === name)?.base ?? undefined;
  }
  return undefined;
}

/** The record of a version, as a change of content: of two with the same number one is refused. */
export async function versionRecord(
  session: Session,
  tenant: Tenant,
  template: string,
  version: {
    readonly number: number;
    readonly comment: string;
    readonly restored?: number | undefined;
    readonly changes: readonly VersionChange[];
  },
): Promise<ContentChange> {
  const { number, comment, restored, changes } = version;
  return {
    path: `${versionsPath(tenant, template)}/${number}`,
    isRecord: true,
    mustBeNew: true,
    set: {
      author: session.userId,
      created: new Date(),
      comment,
      parts: changes.map(({ part }) => part),
      changes: await session.createBinary(JSON.stringify(changes)),
      ...(restored !== undefined && { restored }),
    },
  };
}

/**
 * The texts that bring back the state after a version, by part: those before the first change that came after it.
 * @param later changes of the versions after it, newest first
 */
export function textsBefore(later: readonly (readonly VersionChange[])[]): ReadonlyMap<string, string | null> {
  const texts = new Map<string, string | null>();
  for (const changes of later) for (const { part, before } of changes) texts.set(part, before);
  return texts;
}

function toVersion(node: RepositoryNode): TemplateVersion {
  return {
    number: Number(node.name),
    author: node.text('author') ?? '',
    created: node.text('created') ?? '',
    comment: node.text('comment') ?? '',
    restored: node.number('restored'),
    parts: node.texts('parts'),
  };
}
