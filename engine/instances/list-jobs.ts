/** Lists of workflows, open and ended, from an index: as long as the page, whatever the number of records. */
import { listedUnder, newestFirst } from '../../activities/satchel/listing-keys.js';
import { readRequest, requestsRoot, type WorkflowRequest } from '../../activities/satchel/request-node.js';
import { adminUser, groups, type Session } from '../../repository/api.js';
import { parentOf } from '../../repository/path.js';
import type { Condition } from '../../repository/query/query.js';
import { isMember } from '../../repository/users.js';
import type { JobPage, JobQuery, JobSummary, ListedState } from '../api.js';

const workflowRoot = parentOf(requestsRoot);
const defaultLimit = 50;

/** @param session one that may read all of them; who may see which is decided here */
export async function listJobs(session: Session, user: string, query: JobQuery): Promise<JobPage> {
  const { state, model, limit = defaultLimit, after } = query;
  const initiator = query.mine || !(await readsAll(session, user)) ? user : undefined;
  const where: Condition[] = [
    listing({ state, model, initiator }, after),
    ...(initiator === undefined ? [] : [{ property: 'initiator', op: '=', value: initiator } as const]),
    ...(model === undefined ? [] : [{ property: 'model', op: '=', value: model } as const]),
    ...(state === undefined ? [] : conditionsOf(state)),
  ];
  const result = await session.query({
    path: workflowRoot,
    where: { and: where },
    order: newestFirst,
    limit: limit + 1,
  });
  const jobs: JobSummary[] = [];
  for await (const node of result.nodes()) jobs.push(summaryOf(readRequest(node)));
  const shown = jobs.slice(0, limit);
  const last = shown.at(-1);
  return { jobs: shown, ...(jobs.length > limit && last && { next: last.id }) };
}

/** The narrowest of the lists that hold them all; the other conditions are asked of each node. */
function listing(
  {
    state,
    model,
    initiator,
  }: { state: ListedState | undefined; model: string | undefined; initiator: string | undefined },
  after: string | undefined,
): Condition {
  if (state === 'queued' || state === 'running' || state === 'paused') return listedUnder('state', 'open', after);
  if (initiator !== undefined) return listedUnder('initiator', initiator, after);
  if (state === 'failed' || state === 'cancelled' || state === 'partial') return listedUnder('state', state, after);
  if (model !== undefined) return listedUnder('model', model, after);
  return state === undefined ? listedUnder('all', '', after) : listedUnder('state', state, after);
}

function conditionsOf(state: ListedState): Condition[] {
  switch (state) {
    case 'queued':
      return [{ property: 'launched', op: 'missing' }];
    case 'running':
      return [
        { property: 'launched', op: 'exists' },
        { property: 'paused', op: 'missing' },
      ];
    case 'paused':
      return [{ property: 'paused', op: 'exists' }];
    default:
      return [{ property: 'state', op: '=', value: state }];
  }
}

export function summaryOf(request: WorkflowRequest): JobSummary {
  const { id, model, title, state, initiator, tenant, created, payload, error } = request;
  return {
    id,
    model,
    title,
    state: state === 'requested' ? 'queued' : state === 'launched' ? 'running' : state,
    initiator,
    tenant,
    created,
    payload,
    ...(error && { error }),
    ...(request.paused && { paused: true }),
  };
}

/** People see their own jobs, administrators all. */
export async function mayRead(
  session: Session,
  user: string,
  { initiator }: Pick<WorkflowRequest, 'initiator'>,
): Promise<boolean> {
  return initiator === user || (await readsAll(session, user));
}

export async function readsAll(session: Session, user: string): Promise<boolean> {
  return user === adminUser || (await isMember(session, user, groups.administrators));
}
