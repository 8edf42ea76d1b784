/**
 * Steps for people as the repository keeps them: one node each, opened when the step is reached and closed with it.
 *
 *     /var/workflow/inbox/<id>   title, description, assignee, assignedFirst, due, payload, tenant, initiator, job, workflow, model,
 *                                step, visit, state (open | completed | returned | cancelled | timed-out), jcr:created, ended,
 *                                endedBy, given (JSON, one a hand-over)
 *       outbox/<mail key>        the mails that told of it
 *
 * An id is made of workflow, step and visit, so that repeating any of this changes nothing.
 */
import { createHash } from 'node:crypto';
import type { RepositoryNode, Session, UserProfile } from '../../repository/api.js';
import { nameOf } from '../../repository/path.js';
import { findUser, getGroup, groupsOf } from '../../repository/users.js';
import { saveChanges } from '../../dam/save-changes.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { WorkItemInput } from '../../workflows/contract/model.js';
import type { StepServices } from '../define-step.js';
import { asRecipient } from '../mail/recipients.js';
import type { Recipient } from '../mail/mailer.js';
import { listedProperty, listedUnder, listingKey } from './listing-keys.js';

export const inboxRoot = '/var/workflow/inbox';
const template = 'workitem';
/** Of a group; a larger one is for a mailing list. */
const maxRecipients = 500;

export interface WorkItemActivities {
  /** Opens it; gives an open one to another assignee; leaves an ended one alone. @throws SatchelError UNKNOWN_USER */
  open(input: WorkItemInput): Promise<void>;
  close(input: WorkItemInput): Promise<void>;
  /** Mails the assignee, or each member of the group that has an address. @throws SatchelError as `Mailer.deliver` */
  notify(input: WorkItemInput, signal: AbortSignal): Promise<void>;
}

export function workItemId({ workflow, step, visit }: Pick<WorkItemInput, 'workflow' | 'step' | 'visit'>): string {
  return createHash('sha256').update(`${workflow.id}/${step.name}/${visit}`).digest('hex').slice(0, 16);
}

/** Where items are listed: those of an assignee, everybody's, and those of a job. */
export const itemLists = { open: 'open-item', ended: 'ended-item', ofJob: 'item-of' } as const;

export function createWorkItemActivities(
  services: Pick<StepServices, 'repository' | 'overlay' | 'mailer' | 'externalUrl'>,
): WorkItemActivities {
  const { repository, overlay, mailer } = services;
  const change = (work: (session: Session) => Promise<void>) =>
    repository.withSession({ service: 'workflow' }, (session) => saveChanges(session, () => work(session)));

  return {
    open: (input) => change((session) => open(session, input)),
    close: (input) => change((session) => close(session, `${inboxRoot}/${workItemId(input)}`, input.ended)),
    notify: (input, signal) =>
      repository.withSession({ service: 'workflow' }, async (session) => {
        const id = workItemId(input);
        const node = await session.findNode(`${inboxRoot}/${id}`);
        // What ended meanwhile, or was given to somebody else, needs no mail any more.
        if (node?.text('state') !== 'open' || node.text('assignee') !== input.assignee) return;
        const recipients = await recipientsOf(session, input.assignee);
        if (recipients.length === 0) return;
        const { workflow, step, notice } = input;
        const initiator = await findUser(session, workflow.initiator);
        await mailer.deliver(
          session,
          {
            template,
            tenant: await overlay.tenant(session, workflow.tenant),
            recipients,
            variables: {
              item: {
                title: step.title,
                description: step.description,
                due: input.due ?? null,
                url: `${await services.externalUrl()}/inbox/${id}`,
              },
              workflow: { title: await jobTitle(session, input), id: workflow.id, model: workflow.model },
              payload: workflow.payload,
              initiator: { name: initiator?.displayName ?? workflow.initiator, address: initiator?.email ?? null },
              reminder: notice?.why === 'reminder' || notice?.why === 'overdue',
              tenant: workflow.tenant,
            },
            outboxParent: `${node.path}/outbox`,
            idempotencyKey: `${id}/${notice?.count ?? 1}`,
          },
          signal,
        );
      }),
  };
}

async function jobTitle(session: Session, { workflow }: WorkItemInput): Promise<string> {
  return (await session.findNode(workflow.request))?.text('jcr:title') ?? workflow.model;
}

async function open(session: Session, input: WorkItemInput): Promise<void> {
  const { workflow, step, assignee, due, visit, given } = input;
  const id = workItemId(input);
  const path = `${inboxRoot}/${id}`;
  const existing = await session.findNode(path);
  const job = nameOf(workflow.request);
  if (existing) {
    if (existing.text('state') !== 'open' || existing.text('assignee') === assignee) return;
    await assertAssignable(session, assignee);
    await session.setProperties(path, {
      assignee,
      [listedProperty]: listingsOf({ id, assignee, job, created: createdOf(existing), state: 'open' }),
      ...(given && {
        given: [...existing.texts('given'), JSON.stringify({ ...given, to: assignee, at: new Date().toISOString() })],
      }),
    });
    return;
  }
  // Gone before it was opened: nobody waits for it.
  if (!(await session.findNode(workflow.request))) return;
  await assertAssignable(session, assignee);
  const created = new Date();
  await session.addNode(path, {
    properties: {
      'jcr:title': step.title,
      'jcr:description': step.description,
      assignee,
      assignedFirst: assignee,
      ...(due !== undefined && { due: new Date(due) }),
      payload: workflow.payload,
      tenant: workflow.tenant,
      initiator: workflow.initiator,
      job,
      workflow: workflow.id,
      model: workflow.model,
      step: step.name,
      visit,
      state: 'open',
      'jcr:created': created,
      [listedProperty]: listingsOf({ id, assignee, job, created: created.toISOString(), state: 'open' }),
    },
  });
}

/** Unsaved; does nothing for what is closed, or was never opened. */
async function close(
  session: Session,
  path: string,
  { state, by }: NonNullable<WorkItemInput['ended']> = { state: 'completed' },
): Promise<void> {
  const node = await session.findNode(path);
  if (node?.text('state') !== 'open') return;
  const [assignee, job] = [node.text('assignee') ?? '', node.text('job') ?? ''];
  await session.setProperties(path, {
    state,
    ended: new Date(),
    ...(by !== undefined && { endedBy: by }),
    [listedProperty]: listingsOf({ id: node.name, assignee, job, created: createdOf(node), state: 'ended' }),
  });
}

/** Closes what a job that was ended from outside leaves open, unsaved. */
export async function closeItemsOfJob(session: Session, job: string, by: string): Promise<void> {
  for (const path of await itemsOfJob(session, job)) await close(session, path, { state: 'cancelled', by });
}

/** Takes the items of a job out, unsaved. */
export async function removeItemsOfJob(session: Session, job: string): Promise<void> {
  for (const path of await itemsOfJob(session, job)) await session.remove(path);
}

async function itemsOfJob(session: Session, job: string): Promise<string[]> {
  const result = await session.query({ path: inboxRoot, where: listedUnder(itemLists.ofJob, job) });
  const paths: string[] = [];
  for await (const { path } of result.nodes()) paths.push(path);
  return paths;
}

/** Where an item stands in lists: newer ones first. */
export function itemPlace(created: string, id: string): string {
  return `${created} ${id}`;
}

export function createdOf(item: RepositoryNode): string {
  return new Date(item.text('jcr:created') ?? 0).toISOString();
}

function listingsOf(item: {
  readonly id: string;
  readonly assignee: string;
  readonly job: string;
  readonly created: string;
  readonly state: 'open' | 'ended';
}): string[] {
  const place = itemPlace(item.created, item.id);
  return [
    listingKey(itemLists[item.state], item.assignee, place),
    listingKey(`${itemLists[item.state]}s`, '', place),
    listingKey(itemLists.ofJob, item.job, place),
  ];
}

/** @throws SatchelError UNKNOWN_USER for what is neither a user nor a group */
export async function assertAssignable(session: Session, assignee: string): Promise<void> {
  if (await findUser(session, assignee)) return;
  if (await getGroup(session, assignee).catch(() => undefined)) return;
  throw new SatchelError(
    'UNKNOWN_USER',
    `A work item cannot be given to "${assignee}": there is no such user or group.`,
  );
}

/** Whether an item that is given to `assignee` is this user's. */
export async function isAssignedTo(session: Session, user: string, assignee: string): Promise<boolean> {
  return user === assignee || (await groupsOf(session, user)).includes(assignee);
}

/** The user, or the members of the group and of groups in it, of those who have an address. */
async function recipientsOf(session: Session, assignee: string): Promise<Recipient[]> {
  const user = await findUser(session, assignee);
  if (user) return addressed(user);
  const recipients: Recipient[] = [];
  const seen = new Set<string>([assignee]);
  for (const id of seen) {
    const group = await getGroup(session, id).catch(() => undefined);
    for (const member of group?.members ?? []) {
      if (seen.has(member)) continue;
      seen.add(member);
      const profile = await findUser(session, member);
      if (profile) recipients.push(...addressed(profile));
      if (recipients.length >= maxRecipients) return recipients;
    }
  }
  return recipients;
}

function addressed(user: UserProfile): Recipient[] {
  return user.email === undefined || user.disabled ? [] : [asRecipient(user, user.email)];
}
