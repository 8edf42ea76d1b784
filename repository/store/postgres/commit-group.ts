/**
 * Commits that wait together, in one transaction: each is accepted or refused on its own, each sees those before it. The
 * head row is locked first, so what is read after it is the newest state until the transaction ends.
 */
import { randomUUID } from 'node:crypto';
import { StoreConflict } from '../contract.js';
import type { Commit, KeyRange, Precondition } from '../contract.js';
import { failedPreconditions, RecentWrites } from '../precondition.js';
import { runOn } from './database.js';
import type { Connection, Database } from './database.js';
import { forever } from './schema.js';
import { escapeText } from './stored-text.js';

export type Outcome = number | StoreConflict;

/** Rows per statement: large enough that round trips cost little, small enough to stay flat in memory. */
const rowsPerStatement = 5_000;

/** Written by this process, told to those of others. */
export const commitChannel = (schemaName: string): string => `satchel_${schemaName}`.slice(0, 60);

/**
 * Two round trips: one locks and reads, one writes and commits. When the connection ends in the middle, the next one waits for
 * the lock, and so for the end of what came before, and asks the journal for the tokens of these commits: what is there is
 * answered, what is not is done again.
 * @returns one outcome per commit, in their order
 * @throws RepositoryError STORE_UNAVAILABLE when the server stays away; the outcome is then not known
 */
export async function commitGroup(database: Database, process: string, group: readonly Commit[]): Promise<Outcome[]> {
  const tokens = group.map(() => randomUUID());
  /** The head of the first try that may have been committed. */
  let before: number | undefined;
  return database.retrying(async () => {
    return await database.onConnection(async (connection) => {
      // The answers are awaited together. Nothing is written before all of them are there.
      const [, head, versions, known] = await Promise.all([
        connection.query('BEGIN'),
        lockHead(connection, database.schema),
        readVersions(connection, database.schema, keysOf(group)),
        before === undefined ? noTokens : findCommitted(connection, database.schema, tokens, before),
      ]);
      before ??= head.sequence;
      return await applyRest({ connection, database, process, head, versions }, group, tokens, known);
    });
  });
}

/** A transaction that holds the lock. */
interface Locked {
  readonly connection: Connection;
  readonly database: Database;
  readonly process: string;
  readonly head: Head;
  /** As `readVersions`, of every key that the group names. */
  readonly versions: Map<string, number>;
}

const noTokens: ReadonlyMap<string, number> = new Map();

interface Head {
  readonly sequence: number;
  readonly purged: number;
}

async function lockHead(connection: Connection, schema: string): Promise<Head> {
  const [row] = await runOn(connection, {
    name: 'lock-head',
    text: `SELECT sequence, purged FROM ${schema}.head FOR UPDATE`,
  });
  return { sequence: Number(row?.[0]), purged: Number(row?.[1]) };
}

async function findCommitted(
  connection: Connection,
  schema: string,
  tokens: readonly string[],
  after: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await runOn(
    connection,
    {
      name: 'find-tokens',
      text: `SELECT token, sequence FROM ${schema}.journal WHERE sequence > $2 AND token = ANY($1::uuid[])`,
    },
    [tokens, after],
  );
  return new Map(rows.map(([token, sequence]) => [String(token), Number(sequence)]));
}

/** Applies the commits that are not in the journal: all of them, or those that were refused, which are judged again. */
async function applyRest(
  locked: Locked,
  group: readonly Commit[],
  tokens: readonly string[],
  known: ReadonlyMap<string, number>,
): Promise<Outcome[]> {
  const open = tokens.flatMap((token, index) => (known.has(token) ? [] : [index]));
  const outcomes = await applyGroup(
    locked,
    open.flatMap((index) => group[index] ?? []),
    open.flatMap((index) => tokens[index] ?? []),
  );
  const left = outcomes[Symbol.iterator]();
  return tokens.map((token) => known.get(token) ?? (left.next().value as Outcome));
}

interface NewRow {
  readonly key: string;
  readonly from: number;
  to: number | undefined;
  readonly value: string;
}

/** Ends the transaction. */
async function applyGroup(
  { connection, database, process, head, versions }: Locked,
  group: readonly Commit[],
  tokens: readonly string[],
): Promise<Outcome[]> {
  const { schema } = database;
  const stored = new Map(versions);
  const changed = await findChangedRanges(connection, schema, head, group);
  const recent = new RecentWrites(head.sequence);
  const rows: NewRow[] = [];
  const newest = new Map<string, NewRow>();
  const ended = new Map<string, number>();
  const journal: { readonly sequence: number; readonly token: string; readonly entry: string }[] = [];

  const outcomes = group.map((commit, index): Outcome => {
    const failed = failedPreconditions(
      commit.preconditions,
      versions,
      (range, since) => changed(range, since) || recent.mayHaveChanged(range, Math.max(since, head.sequence)),
    );
    if (failed.length > 0) return new StoreConflict(failed);
    const sequence = head.sequence + journal.length + 1;
    for (const write of commit.writes) {
      const before = newest.get(write.key);
      if (before) before.to = sequence;
      else if ((stored.get(write.key) ?? 0) > 0 && !ended.has(write.key)) ended.set(write.key, sequence);
      newest.delete(write.key);
      versions.set(write.key, 'remove' in write ? 0 : sequence);
      if ('remove' in write) continue;
      const row: NewRow = { key: write.key, from: sequence, to: undefined, value: write.value };
      newest.set(write.key, row);
      rows.push(row);
    }
    recent.add(
      sequence,
      commit.writes.map(({ key }) => key),
    );
    journal.push({ sequence, token: tokens[index] ?? randomUUID(), entry: commit.entry });
    return sequence;
  });

  const endedRows = [...ended];
  const write = (start: number, end: number, added: typeof journal) => {
    const [some, over] = [rows.slice(start, end), endedRows.slice(start, end)];
    return runOn(connection, { name: 'write', text: writeText(schema) }, [
      over.map(([key]) => escapeText(key)),
      over.map(([key]) => stored.get(key)),
      over.map(([, sequence]) => sequence),
      some.map(({ key }) => escapeText(key)),
      some.map(({ from }) => from),
      some.map(({ to }) => to ?? forever),
      some.map(({ value }) => escapeText(value)),
      added.map(({ sequence }) => sequence),
      added.map(({ token }) => token),
      added.map(({ entry }) => escapeText(entry)),
      commitChannel(database.schemaName),
      process,
    ]);
  };
  const last =
    Math.max(0, Math.ceil(Math.max(rows.length, endedRows.length) / rowsPerStatement) - 1) * rowsPerStatement;
  for (let start = 0; start < last; start += rowsPerStatement) await write(start, start + rowsPerStatement, []);
  const finish = () => connection.query('COMMIT');
  if (journal.length === 0) await finish();
  // A COMMIT behind a statement that failed on the server rolls back; one that never left would leave only part of the rows,
  // so only a statement that holds all of them is not waited for.
  else if (last === 0) await Promise.all([write(0, rowsPerStatement, journal), finish()]);
  else await write(last, last + rowsPerStatement, journal).then(finish);
  return outcomes;
}

/** One statement ends old versions, writes new ones, appends to the journal, moves the head and tells other processes. */
const writeText = (schema: string): string => `
  WITH ended AS (
    UPDATE ${schema}.record SET valid_to = e.until
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS e(key, valid_from, until)
    WHERE record.key = e.key AND record.valid_from = e.valid_from
  ), written AS (
    INSERT INTO ${schema}.record (key, valid_from, valid_to, value)
    SELECT * FROM unnest($4::text[], $5::bigint[], $6::bigint[], $7::text[])
  ), appended AS (
    INSERT INTO ${schema}.journal (sequence, token, entry)
    SELECT * FROM unnest($8::bigint[], $9::uuid[], $10::text[])
    RETURNING sequence
  ), moved AS (
    UPDATE ${schema}.head SET sequence = (SELECT max(sequence) FROM appended)
    WHERE cardinality($8::bigint[]) > 0
    RETURNING sequence
  )
  SELECT pg_notify($11, $12) FROM moved`;

function keysOf(group: readonly Commit[]): string[] {
  const keys = new Set<string>();
  for (const { preconditions, writes } of group) {
    for (const precondition of preconditions) if (precondition.kind !== 'unchanged') keys.add(precondition.key);
    for (const { key } of writes) keys.add(key);
  }
  return [...keys];
}

/** The newest version of every key; 0 where there is none. The statements are sent in the turn of the call. */
async function readVersions(
  connection: Connection,
  schema: string,
  keys: readonly string[],
): Promise<Map<string, number>> {
  const statement = {
    name: 'read-versions',
    text: `SELECT coalesce((SELECT CASE WHEN r.valid_to = ${forever} THEN r.valid_from END FROM ${schema}.record r
             WHERE r.key = k.key ORDER BY r.valid_from DESC LIMIT 1), 0)
           FROM unnest($1::text[]) WITH ORDINALITY AS k(key, place) ORDER BY k.place`,
  };
  const parts = Array.from({ length: Math.ceil(keys.length / rowsPerStatement) }, (_, part) =>
    keys.slice(part * rowsPerStatement, (part + 1) * rowsPerStatement),
  );
  const found = await Promise.all(parts.map((some) => runOn(connection, statement, [some.map(escapeText)])));
  const rows = found.flat();
  return new Map(keys.map((key, index) => [key, Number(rows[index]?.[0])]));
}

type MayHaveChanged = (range: KeyRange, since: number) => boolean;

/** Answers for the ranges that the group names, as they are in the database. */
async function findChangedRanges(
  connection: Connection,
  schema: string,
  head: Head,
  group: readonly Commit[],
): Promise<MayHaveChanged> {
  const asked = group
    .flatMap(({ preconditions }) => preconditions)
    .filter((precondition): precondition is Precondition & { kind: 'unchanged' } => precondition.kind === 'unchanged')
    // Nothing was committed since, or so much was that removed rows may be gone: no look is needed.
    .filter(({ since }) => since < head.sequence && since >= head.purged);
  const changed = new Set<string>();
  if (asked.length > 0) {
    const rows = await runOn(
      connection,
      {
        name: 'find-changed',
        text: `SELECT q.place FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS q(gte, lt, since, place)
               WHERE EXISTS (SELECT FROM ${schema}.record r WHERE r.key >= q.gte AND r.key < q.lt
                 AND (r.valid_from > q.since OR (r.valid_to > q.since AND r.valid_to < ${forever})))`,
      },
      [
        asked.map(({ range }) => escapeText(range.gte)),
        asked.map(({ range }) => escapeText(range.lt)),
        asked.map(({ since }) => since),
      ],
    );
    for (const [place] of rows) {
      const precondition = asked[Number(place) - 1];
      if (precondition) changed.add(rangeText(precondition.range, precondition.since));
    }
  }
  return (range, since) => since < head.purged || changed.has(rangeText(range, since));
}

function rangeText(range: KeyRange, since: number): string {
  return JSON.stringify([range.gte, range.lt, since]);
}
