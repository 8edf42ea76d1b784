/**
 * Sends mails, each to one recipient and once. A record with the finished bytes comes first, together with a lease on it; then the
 * sending; then the reply. Whoever finds a record that is leased waits until it was sent or the lease is over, so that two attempts
 * at the same time send it once. Where an attempt died between the end of its message and the record of the reply, or lost the
 * connection there, nobody knows whether the server has the mail: the same bytes with the same Message-ID go out again.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { saveChanges } from '../../dam/save-changes.js';
import type { Session } from '../../repository/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { wireAddress } from './compose-message.js';
import type { SentMail } from './mailer.js';
import {
  addOutboxMail,
  leased,
  type Lease,
  problemWith,
  sentWith,
  toOutboxMail,
  unleased,
  type MailProblem,
  type NewMail,
  type OutboxMail,
  type RecordProperties,
} from './outbox.js';
import { retryAfterSeconds } from './retry-times.js';
import type { MailTransport } from './transport.js';

export interface PlannedMail {
  /** Of its record. */
  readonly path: string;
  /** Renders and composes it, where it has no record yet. */
  readonly compose: () => Promise<NewMail>;
}

export interface Delivery {
  /** Used by nobody else meanwhile. */
  readonly session: Session;
  readonly mails: readonly PlannedMail[];
  readonly transport: MailTransport;
  /** Milliseconds after its creation at which a mail that is not taken for now counts as failed. */
  readonly giveUpAfter: number;
  /** Mails under way at once. */
  readonly parallel: number;
  /** Milliseconds for which an attempt that gives no sign of life still keeps others from sending. Default 30,000. */
  readonly leaseTime?: number;
  /** No other process sends mails of this repository: what holds a lease of another one has ended. Default false. */
  readonly alone?: boolean;
  /** Default: retry-times.ts. */
  readonly retryAfter?: (attempts: number) => number;
  readonly signal: AbortSignal;
  readonly onSent?: ((done: number, total: number) => void) | undefined;
}

/** Mails that are claimed, and composed, in one save. */
const chunkSize = 50;
/** A complete message; templates bound theirs before. */
const maxMessageBytes = 16 * 1024 * 1024;
const defaultLeaseTime = 30_000;
/** Begins the leases of this process. */
const processId = randomUUID();
/** How often a mail that another attempt is at is looked at. */
const pollMs = 100;
/** A message under way comes to its end when the work is stopped: one that is cut off may have arrived. */
const graceMs = 5_000;

interface Claimed {
  readonly record: OutboxMail;
  /** Of a mail that was composed just now. */
  readonly raw: Uint8Array | undefined;
  until: number;
  /** Aborted when another attempt has it. */
  readonly lost: AbortController;
}

/**
 * @returns what became of every mail, in their order
 * @throws SatchelError MAIL_UNAVAILABLE when some wait for another attempt, with `retryAfterSeconds` in its details
 */
export async function deliverMails(delivery: Delivery): Promise<SentMail[]> {
  const { session, mails, transport, giveUpAfter, signal, onSent } = delivery;
  const { leaseTime = defaultLeaseTime, alone = false, retryAfter = retryAfterSeconds } = delivery;
  const owner = `${processId}/${randomUUID()}`;
  const done = new Map<string, SentMail>();
  const active = new Map<string, Claimed>();
  const postponed = new Map<string, { readonly error: MailProblem; readonly next: number }>();
  /** The server as a whole is away: the mails are written, and wait. */
  let away: SatchelError | undefined;
  const cut = new AbortController();
  const onAbort = () => void setTimeout(() => cut.abort(signal.reason), graceMs).unref();
  signal.addEventListener('abort', onAbort, { once: true });
  const takeTurn = createTurns();
  const record = createRecorder(session, takeTurn);

  const renewing = setInterval(() => void takeTurn(renew).catch(() => undefined), leaseTime / 3);
  try {
    let waiting = mails;
    for (const patience = Date.now() + 2 * leaseTime; ;) {
      const held: PlannedMail[] = [];
      for (let start = 0; start < waiting.length; start += chunkSize) {
        signal.throwIfAborted();
        held.push(...(await deliverChunk(waiting.slice(start, start + chunkSize))));
      }
      if (held.length === 0) break;
      if (Date.now() > patience) {
        const error = { code: 'MAIL_UNAVAILABLE', message: 'Another attempt is sending it.' };
        for (const { path } of held) postponed.set(path, { error, next: Date.now() + leaseTime });
        break;
      }
      await delay(pollMs, undefined, { signal });
      waiting = held;
    }
  } finally {
    clearInterval(renewing);
    signal.removeEventListener('abort', onAbort);
    // What was not sent need not wait for the end of its lease.
    const left = [...active.values()].filter(({ lost }) => !lost.signal.aborted);
    await Promise.all(left.map(({ record: { path } }) => record(path, unleased).catch(() => undefined)));
  }
  const [first] = postponed.values();
  if (first) throw waitingError(first.error.message);
  return mails.flatMap(({ path }) => done.get(path) ?? []);

  /** @returns those that another attempt is at */
  async function deliverChunk(chunk: readonly PlannedMail[]): Promise<PlannedMail[]> {
    const { claimed, held } = await takeTurn(() => claim(chunk));
    for (const one of claimed) active.set(one.record.path, one);
    const queue = claimed.values();
    const lane = async () => {
      for (const one of queue) {
        if (!(await sendOne(one))) held.push(...chunk.filter(({ path }) => path === one.record.path));
        onSent?.(done.size, mails.length);
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: Math.min(delivery.parallel, claimed.length) }, lane));
    const failure = lanes.find((one) => one.status === 'rejected');
    if (failure) throw failure.reason;
    if (claimed.length === 0) onSent?.(done.size, mails.length);
    return held;
  }

  /** Takes the mails of a chunk that are to be sent now, in one save. */
  async function claim(chunk: readonly PlannedMail[]) {
    const composed = await composeMissing(chunk);
    let claimed: Claimed[] = [];
    let held: PlannedMail[] = [];
    await saveChanges(session, async () => {
      [claimed, held] = [[], []];
      const nodes = await session.findNodes(chunk.map(({ path }) => path));
      const until = Date.now() + leaseTime;
      for (const [index, mail] of chunk.entries()) {
        const { path } = mail;
        const fresh = nodes[index] ? undefined : (composed.get(path) ?? (await mail.compose()));
        if (fresh) await addOutboxMail(session, path, fresh);
        const found = toOutboxMail(nodes[index] ?? (await session.getNode(path)));
        const attempts = found.attempts + 1;
        if (found.state !== 'pending') {
          done.set(path, asSentMail(found, found.state));
        } else if (found.lease && isHeld(found.lease)) {
          held.push(mail);
        } else if (found.next !== undefined && found.next > Date.now()) {
          postponed.set(path, { error: found.error ?? noReason, next: found.next });
        } else if (away) {
          await session.setProperties(path, { ...postpone({ ...found, attempts }, away), attempts });
        } else {
          await session.setProperties(path, leased({ owner, until }, attempts));
          claimed.push({ record: { ...found, attempts }, raw: fresh?.raw, until, lost: new AbortController() });
        }
      }
    });
    return { claimed, held };
  }

  function isHeld(lease: Lease): boolean {
    if (lease.owner === owner || lease.until <= Date.now()) return false;
    return !alone || lease.owner.startsWith(processId);
  }

  /** Before anything is changed: what templates are made of is read from a session without changes. */
  async function composeMissing(chunk: readonly PlannedMail[]): Promise<ReadonlyMap<string, NewMail>> {
    const composed = new Map<string, NewMail>();
    await session.refresh();
    const nodes = await session.findNodes(chunk.map(({ path }) => path));
    for (const [index, { path, compose }] of chunk.entries()) if (!nodes[index]) composed.set(path, await compose());
    return composed;
  }

  /** @returns false where the lease ran out meanwhile: it is another attempt's, or must be claimed anew */
  async function sendOne(one: Claimed): Promise<boolean> {
    const { record: mail, lost } = one;
    const { path } = mail;
    signal.throwIfAborted();
    try {
      if (away) {
        await record(path, postpone(mail, away));
        return true;
      }
      const raw = one.raw ?? (await takeTurn(() => readRaw(mail)));
      if (lost.signal.aborted || Date.now() >= one.until) return false;
      const outgoing = { from: wireAddress(mail.from), to: wireAddress(mail.to), messageId: mail.messageId, raw };
      const { response } = await transport.send(outgoing, AbortSignal.any([cut.signal, lost.signal]));
      await record(path, sentWith(response, new Date()));
      done.set(path, asSentMail(mail, 'sent'));
      return true;
    } catch (error) {
      if (lost.signal.aborted && !cut.signal.aborted) return false;
      if (!(error instanceof SatchelError)) throw error;
      if (error.code === 'MAIL_REJECTED') {
        await record(path, problemWith(error, undefined));
        done.set(path, asSentMail({ ...mail, error: { code: error.code, message: error.message } }, 'failed'));
        return true;
      }
      if (error.code !== 'MAIL_UNAVAILABLE') throw error;
      // A server that is not there is not there for the next recipient either; one that says "later" may mean this one.
      if (error.details['unreachable'] === true) away ??= error;
      await record(path, postpone(mail, error));
      return true;
    } finally {
      if (!cut.signal.aborted) active.delete(path);
    }
  }

  /** What is recorded of a mail that was not taken for now: when it is tried again, or that it is given up. */
  function postpone(mail: OutboxMail, { code, message }: MailProblem): RecordProperties {
    const { path, attempts } = mail;
    const next = Date.now() + retryAfter(attempts) * 1000;
    if (next - mail.created <= giveUpAfter) {
      postponed.set(path, { error: { code, message }, next });
      return problemWith({ code, message }, new Date(next));
    }
    const error = { code, message: `Given up after ${attempts} attempts: ${message}` };
    done.set(path, asSentMail({ ...mail, error }, 'failed'));
    return problemWith(error, undefined);
  }

  /** Keeps what is under way from being taken over, as long as this attempt lives. */
  async function renew(): Promise<void> {
    const held = [...active.values()];
    if (held.length === 0) return;
    const until = Date.now() + leaseTime;
    await saveChanges(session, async () => {
      const nodes = await session.findNodes(held.map(({ record: { path } }) => path));
      for (const [index, one] of held.entries()) {
        const current = nodes[index] && toOutboxMail(nodes[index]);
        if (!active.has(one.record.path)) continue;
        if (current?.lease?.owner === owner)
          await session.setProperties(one.record.path, { leaseUntil: new Date(until) });
        else one.lost.abort();
      }
    });
    for (const one of held) one.until = until;
  }

  async function readRaw(mail: OutboxMail): Promise<Uint8Array> {
    if (!mail.raw) throw new SatchelError('INTERNAL', `The outbox record ${mail.path} has no message.`);
    return session.readBinary(mail.raw, maxMessageBytes);
  }

  function waitingError(message: string): SatchelError {
    const next = Math.min(...[...postponed.values()].map((one) => one.next));
    return new SatchelError(
      'MAIL_UNAVAILABLE',
      `${postponed.size} of ${mails.length} mails wait for another attempt: ${message}`,
      {
        details: {
          waiting: postponed.size,
          total: mails.length,
          retryAfterSeconds: Math.max(0, Math.ceil((next - Date.now()) / 1000)),
        },
      },
    );
  }
}

const noReason: MailProblem = { code: 'MAIL_UNAVAILABLE', message: 'It is not to be tried yet.' };

/** Runs what it is given one after another: a session does one thing at a time. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Saves what several mails under way have to record together: while one save runs, the next one gathers. */
function createRecorder(session: Session, takeTurn: ReturnType<typeof createTurns>) {
  let gathered = new Map<string, RecordProperties>();
  let saving: Promise<void> | undefined;
  return (path: string, properties: RecordProperties): Promise<void> => {
    gathered.set(path, { ...gathered.get(path), ...properties });
    saving ??= takeTurn(async () => {
      const changes = [...gathered];
      gathered = new Map();
      saving = undefined;
      await saveChanges(session, async () => {
        const nodes = await session.findNodes(changes.map(([changed]) => changed));
        for (const [index, [changed, values]] of changes.entries()) {
          // A download that was removed meanwhile took its records along.
          if (nodes[index]) await session.setProperties(changed, values);
        }
      });
    });
    return saving;
  };
}

function asSentMail(mail: OutboxMail, state: SentMail['state']): SentMail {
  const { to, subject, locale, messageId, layers, fallback, error } = mail;
  return {
    to,
    subject,
    locale,
    messageId,
    layers,
    state,
    ...(fallback !== undefined && { fallback }),
    ...(state === 'failed' && error && { error }),
  };
}
