/** The mail log: the outbox records of all mails, wherever they lie, the newest first. */
import type { Condition, Query } from '../../repository/query/query.js';
import type { Session } from '../../repository/api.js';
import { mailType, toOutboxMail, type OutboxMail, type OutboxState } from './outbox.js';

const logRoot = '/var';

/** Whose mails a reader sees; `all`, or those to an address and those of some tenants. */
export type MailScope = 'all' | { readonly recipient: string | undefined; readonly tenants: readonly string[] };

export interface MailFilter {
  readonly tenant?: string | undefined;
  readonly template?: string | undefined;
  readonly state?: OutboxState | undefined;
  /** In any case. */
  readonly recipient?: string | undefined;
  /** Written at or after it. */
  readonly since?: Date | undefined;
}

export interface MailLogPage {
  readonly mails: readonly OutboxMail[];
  /** For `after` of the next page; `undefined`: there are no more. */
  readonly next: string | undefined;
}

/**
 * One page, at the cost of what it holds and passes over: no page reads what came before it.
 * @param session one that reads the records
 * @throws RepositoryError INVALID_QUERY for an `after` of another filter; QUERY_TOO_EXPENSIVE
 */
export async function listMailLog(
  session: Session,
  scope: MailScope,
  filter: MailFilter,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<MailLogPage> {
  const query = mailLogQuery(scope, filter);
  if (!query) return { mails: [], next: undefined };
  const result = await session.query({ ...query, limit, ...(after !== undefined && { after }) });
  const mails: OutboxMail[] = [];
  for await (const node of result.nodes()) mails.push(toOutboxMail(node));
  return { mails, next: result.next };
}

/** Pure. @returns `undefined` where the scope holds nobody's mails */
export function mailLogQuery(scope: MailScope, filter: MailFilter): Query | undefined {
  const visible = conditionsOfScope(scope);
  if (!visible) return undefined;
  const conditions = [...conditionsOf(filter), ...visible];
  return {
    path: logRoot,
    type: mailType,
    where: { and: conditions },
    order: [{ property: 'created', direction: 'descending' }],
  };
}

/** @param key of the mail, from a list @returns `undefined` also for one outside the scope */
export async function findLoggedMail(session: Session, scope: MailScope, key: string): Promise<OutboxMail | undefined> {
  const result = await session.query({
    path: logRoot,
    type: mailType,
    where: { property: 'key', op: '=', value: key },
    limit: 1,
  });
  for await (const node of result.nodes()) {
    const mail = toOutboxMail(node);
    if (isInScope(scope, mail)) return mail;
  }
  return undefined;
}

export function isInScope(scope: MailScope, { to, tenant }: Pick<OutboxMail, 'to' | 'tenant'>): boolean {
  if (scope === 'all') return true;
  return scope.tenants.includes(tenant) || to.toLowerCase() === scope.recipient?.toLowerCase();
}

/** A moment always: without a range the engine also looks for records that have none. */
function conditionsOf({ tenant, template, state, recipient, since = new Date(0) }: MailFilter): Condition[] {
  return [
    ...(recipient === undefined ? [] : [is('recipient', recipient.toLowerCase())]),
    ...(tenant === undefined ? [] : [is('tenant', tenant)]),
    ...(template === undefined ? [] : [is('template', template)]),
    ...(state === undefined ? [] : [is('state', state)]),
    { property: 'created', op: '>=', value: since },
  ];
}

function conditionsOfScope(scope: MailScope): Condition[] | undefined {
  if (scope === 'all') return [];
  const { recipient, tenants } = scope;
  const own = recipient === undefined ? [] : [is('recipient', recipient.toLowerCase())];
  const administered: Condition[] = tenants.length === 0 ? [] : [{ property: 'tenant', op: 'in', value: tenants }];
  const [first, ...more] = [...own, ...administered];
  if (!first) return undefined;
  return more.length === 0 ? [first] : [{ or: [first, ...more] }];
}

function is(property: string, value: string): Condition {
  return { property, op: '=', value };
}
