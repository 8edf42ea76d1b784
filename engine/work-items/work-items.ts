/** Work items as people see them and act on them. Rights are decided here; the workflow that waits decides what is in time. */
import type { Client } from '@temporalio/client';
import { checkMetadata } from '../../activities/satchel/metadata-values.js';
import { listedUnder, newestFirst } from '../../activities/satchel/listing-keys.js';
import {
  assertAssignable,
  createdOf,
  inboxRoot,
  isAssignedTo,
  itemLists,
  itemPlace,
} from '../../activities/satchel/work-items.js';
import type { Repository, RepositoryNode, Session } from '../../repository/api.js';
import { groupsOf } from '../../repository/users.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { names, type WorkItemDecision, type WorkItemOrder } from '../../workflows/contract/model.js';
import type { Engine, WorkItem, WorkItemPage, WorkItemQuery } from '../api.js';
import { readsAll } from '../instances/list-jobs.js';
import { updateWorkflow } from '../instances/update-workflow.js';

export interface WorkItemOptions {
  readonly repository: Repository;
  /** `undefined` while Temporal is away. */
  readonly client: () => Client | undefined;
}

type WorkItems = Pick<Engine, 'inbox' | 'workItem' | 'completeWorkItem' | 'delegateWorkItem' | 'returnWorkItem'>;

const defaultLimit = 50;
const maxCommentCharacters = 4000;

export function createWorkItems({ repository, client }: WorkItemOptions): WorkItems {
  const asService = <T>(work: (session: Session) => Promise<T>) =>
    repository.withSession({ service: 'workflow' }, work);

  /** The item, for who may act on it. @throws SatchelError UNKNOWN_WORK_ITEM, NOT_ALLOWED, NOT_WAITING */
  function actionable(user: string, id: string, prepare?: (session: Session) => Promise<void>): Promise<WorkItem> {
    return asService(async (session) => {
      const item = await readItem(session, user, id);
      if (!(await isAssignedTo(session, user, item.assignee)) && !(await readsAll(session, user))) {
        throw new SatchelError(
          'NOT_ALLOWED',
          `The work item "${item.title}" is given to ${item.assignee}, not to you.`,
          {
            details: { item: id, assignee: item.assignee },
          },
        );
      }
      if (item.state !== 'open') throw over(item);
      await prepare?.(session);
      return item;
    });
  }

  function ask(item: WorkItem, name: string, order: Omit<WorkItemOrder, 'step'>): Promise<void> {
    const full: WorkItemOrder = { step: item.step, ...order };
    return updateWorkflow(client(), item.workflow, { name, order: full, whenOver: () => over(item) });
  }

  return {
    inbox: (user, query = {}) => asService((session) => listItems(session, user, query)),
    workItem: (user, id) => asService((session) => readItem(session, user, id)),
    completeWorkItem: async (user, id, said = {}) => {
      checkDecision(said);
      const { comment, metadata } = said;
      const item = await actionable(user, id);
      await ask(item, names.completeWorkItemUpdate, { by: user, ...spoken(comment), ...(metadata && { metadata }) });
    },
    delegateWorkItem: async (user, id, to, comment) => {
      checkDecision({ ...spoken(comment) });
      const item = await actionable(user, id, (session) => assertAssignable(session, to));
      if (to === item.assignee) throw new SatchelError('INVALID_REQUEST', `to: ${to} has the work item already.`);
      await ask(item, names.delegateWorkItemUpdate, { by: user, to, ...spoken(comment) });
    },
    returnWorkItem: async (user, id, comment) => {
      checkDecision({ ...spoken(comment) });
      const item = await actionable(user, id);
      await ask(item, names.returnWorkItemUpdate, { by: user, ...spoken(comment) });
    },
  };
}

function spoken(comment: string | undefined): { readonly comment?: string } {
  return comment === undefined ? {} : { comment };
}

/** @throws SatchelError INVALID_REQUEST */
function checkDecision({ comment = '', metadata = {} }: Omit<WorkItemDecision, 'by'>): void {
  if (comment.length > maxCommentCharacters) {
    throw new SatchelError(
      'INVALID_REQUEST',
      `comment: has ${comment.length} characters, more than ${maxCommentCharacters}.`,
    );
  }
  checkMetadata(metadata);
}

function over(item: WorkItem): SatchelError {
  const how =
    item.state === 'open' ? '' : `: it is ${item.state}${item.endedBy === undefined ? '' : ` by ${item.endedBy}`}`;
  return new SatchelError('NOT_WAITING', `The work item "${item.title}" waits no longer${how}.`);
}

async function listItems(session: Session, user: string, query: WorkItemQuery): Promise<WorkItemPage> {
  const { state = 'open', all = false, limit = defaultLimit, after } = query;
  if (all && !(await readsAll(session, user))) {
    throw new SatchelError('NOT_ALLOWED', 'The work items of everybody are for administrators.');
  }
  const list = itemLists[state];
  const before = after === undefined ? undefined : await placeOf(session, after);
  const listings = all
    ? [listedUnder(`${list}s`, '', before)]
    : [user, ...(await groupsOf(session, user))].map((assignee) => listedUnder(list, assignee, before));
  const found: WorkItem[] = [];
  for (const where of listings) {
    const result = await session.query({ path: inboxRoot, where, order: newestFirst, limit: limit + 1 });
    for await (const node of result.nodes()) found.push(toItem(node));
  }
  const place = ({ created, id }: WorkItem) => itemPlace(created, id);
  found.sort((a, b) => (place(a) < place(b) ? 1 : -1));
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(found.length > limit && last && { next: last.id }) };
}

async function placeOf(session: Session, id: string): Promise<string> {
  const node = isId(id) ? await session.findNode(`${inboxRoot}/${id}`) : undefined;
  if (!node) throw unknownItem(id);
  return itemPlace(createdOf(node), id);
}

/** For its assignee, members of that group, the initiator and administrators; to others it does not exist. */
async function readItem(session: Session, user: string, id: string): Promise<WorkItem> {
  const node = isId(id) ? await session.findNode(`${inboxRoot}/${id}`) : undefined;
  if (!node) throw unknownItem(id);
  const item = toItem(node);
  if (item.initiator === user) return item;
  if ((await isAssignedTo(session, user, item.assignee)) || (await readsAll(session, user))) return item;
  throw unknownItem(id);
}

function isId(id: string): boolean {
  return /^[0-9a-f]{16}$/.test(id);
}

function unknownItem(id: string): SatchelError {
  return new SatchelError('UNKNOWN_WORK_ITEM', `There is no work item "${id.slice(0, 100)}".`);
}

function toItem(node: RepositoryNode): WorkItem {
  const text = (name: string) => node.text(name) ?? '';
  const moment = (name: string) => {
    const value = node.text(name);
    return value === undefined ? undefined : new Date(value).toISOString();
  };
  const [due, ended, endedBy] = [moment('due'), moment('ended'), node.text('endedBy')];
  return {
    id: node.name,
    state: text('state') as WorkItem['state'],
    title: text('jcr:title'),
    description: text('jcr:description'),
    assignee: text('assignee'),
    assignedFirst: text('assignedFirst'),
    ...(due !== undefined && { due }),
    created: createdOf(node),
    ...(ended !== undefined && { ended }),
    ...(endedBy !== undefined && { endedBy }),
    payload: text('payload'),
    tenant: text('tenant'),
    initiator: text('initiator'),
    job: text('job'),
    workflow: text('workflow'),
    model: text('model'),
    step: text('step'),
  };
}
