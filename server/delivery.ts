/**
 * Hands archives out. Every delivery asks again whether it is for this user, and whether he may still receive archives. Answers carry exact length, a strong ETag and ranges, so that a broken download resumes anywhere.
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { openDownloadJob } from '../dam/download-job-store.js';
import { downloadsRoot, type DownloadJob } from '../dam/download-job.js';
import { openArchive, type OpenArchive } from '../dam/open-archive.js';
import { groups, type Repository, type Session } from '../repository/api.js';
import { isExpired } from '../dam/expire-archives.js';
import { readTenantGroup } from '../dam/settings/tenant-group.js';
import type { Settings } from '../dam/settings/settings.js';
import type { OverlayResolver } from '../repository/overlay/api.js';
import { joinPath, nameProblem } from '../repository/path.js';
import { groupsOf } from '../repository/users.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { Account } from './accounts.js';
import { answerRange, attachment, ifRangeHolds, namesEntityTag } from './http-range.js';
import type { ServerServices } from './services.js';

/** An archive this user may have, with the name it is saved under. */
export interface DeliverableArchive extends OpenArchive {
  readonly file: string;
}

/**
 * @throws SatchelError UNKNOWN_JOB (no such download, not delivered yet, no such archive, or not for this user's eyes: all
 * the same answer), ARCHIVE_EXPIRED, NOT_ALLOWED (was meant for this user, who may no longer receive archives)
 */
export async function findArchive(
  { repository, overlay, settings }: Pick<ServerServices, 'repository' | 'overlay' | 'settings'>,
  account: Account,
  id: string,
  file: string,
): Promise<DeliverableArchive> {
  const unknown = () => new SatchelError('UNKNOWN_JOB', 'There is no such download, or it is not ready yet.');
  if (nameProblem(id) !== undefined) throw unknown();
  return repository.withSession({ service: 'workflow' }, async (session) => {
    const node = await session.findNode(joinPath(downloadsRoot, id));
    if (node?.property('delivered') === undefined) throw unknown();
    const job = await openDownloadJob(session, node.path);
    if (!(await isFor(account, job, repository))) throw unknown();
    if (isExpired(node, new Date())) {
      throw new SatchelError(
        'ARCHIVE_EXPIRED',
        'The archives of this download are not kept any more; ask for it again.',
      );
    }
    const part = (await job.archives())?.parts.find((candidate) => candidate.file === file);
    if (!part) throw unknown();
    await assertMayReceive(session, overlay, settings, account, job.tenant);
    return { file, ...openArchive(repository.blobs, part) };
  });
}

/** A download is for its requester, the recipients he named, administrators, and whom a policy lets read its node. */
async function isFor(account: Account, job: DownloadJob, repository: Repository): Promise<boolean> {
  const { id, email, administrator } = account;
  if (administrator || job.initiator === id) return true;
  if (job.request.email.some((address) => address.toLowerCase() === email?.toLowerCase())) return true;
  return repository.withSession(id, async (session) => (await session.findNode(job.path)) !== undefined);
}

/** Members of `dam-users` or of the tenant's group, and administrators (D8). */
async function assertMayReceive(
  session: Session,
  overlay: OverlayResolver,
  settings: Settings,
  account: Account,
  tenantName: string,
): Promise<void> {
  if (account.administrator) return;
  const memberships = await groupsOf(session, account.id);
  if (memberships.includes(groups.damUsers)) return;
  const tenant = await overlay.tenant(session, tenantName);
  const group = await readTenantGroup(session, settings, tenant);
  if (group !== undefined && memberships.includes(group)) return;
  throw new SatchelError(
    'NOT_ALLOWED',
    `Archives of tenant ${tenantName} are for members of ${groups.damUsers} or of the tenant’s group; ask an administrator.`,
  );
}

/** Answers GET and HEAD with the archive, the range of it that is asked for, or the news that nothing changed. */
export async function sendArchive(
  archive: DeliverableArchive,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { headers } = request;
  reply.headers({
    etag: archive.etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': attachment(archive.file),
  });
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined && !namesEntityTag(ifMatch, archive.etag, 'strong')) return reply.code(412).send();
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && namesEntityTag(ifNoneMatch, archive.etag, 'weak')) return reply.code(304).send();

  const ifRange = headers['if-range']?.toString();
  const answer = answerRange(
    // Ranges are for GET; HEAD tells of the whole (RFC 9110, 14.2).
    request.method === 'GET' && ifRangeHolds(ifRange, archive.etag) ? headers.range : undefined,
    archive.size,
  );
  if (answer.status === 416) return reply.code(416).header('content-range', `bytes */${archive.size}`).send();
  const range = answer.status === 206 ? answer.range : { start: 0, length: archive.size };
  if (answer.status === 206) {
    reply.header('content-range', `bytes ${range.start}-${range.start + range.length - 1}/${archive.size}`);
  }
  reply.code(answer.status).type('application/zip').header('content-length', range.length);
  if (request.method === 'HEAD') return reply.send();
  return reply.send(Readable.from(archive.read(range), { objectMode: false, highWaterMark: 1024 * 1024 }));
}
