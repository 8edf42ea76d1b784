/** PostgreSQL: the store of `repository/store/postgres`, and its statements sent by hand over one connection. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { subtreeRanges } from '../repository/keys.js';
import { createPostgresNodeStore } from '../repository/store/postgres/postgres-node-store.js';
import { forever } from '../repository/store/postgres/schema.js';
import { escapeText, nextStoredKey, unescapeText } from '../repository/store/postgres/stored-text.js';
import type { Backend, RawStore, RecordedCommit } from './repository-backend.js';

/** Rows per statement of a range. */
const scanRows = 1000;

/** @param url of a database in which the benchmark makes and drops schemas of its own */
export function postgresBackend(url: string): Backend {
  const schemaOf = (place: string) => `satchel_bench_${place}`;
  const openStore = (place: string) => createPostgresNodeStore({ url, schema: schemaOf(place) });
  return {
    name: 'postgres',
    canSkipSync: false,
    openStore,
    openRaw: async (place) => {
      // For its tables.
      await (await openStore(place)).close();
      return openRawPostgres(url, schemaOf(place));
    },
    remove: async (place) => {
      const client = await connect(url);
      await client.query(`DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(schemaOf(place))} CASCADE`);
      await client.end();
    },
  };
}

async function connect(url: string): Promise<pg.Client> {
  // As database.ts: every statement finds rows by key.
  const options = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin'].map((name) => `-c enable_${name}=off`);
  const client = new pg.Client({
    connectionString: url,
    options: [...options, '-c jit=off'].join(' '),
    pipeline: true,
  });
  await client.connect();
  return client;
}

async function openRawPostgres(url: string, schemaName: string): Promise<RawStore> {
  const client = await connect(url);
  const schema = pg.escapeIdentifier(schemaName);
  /** Prepared once, under its name. */
  const run = async (name: string, text: string, values: readonly unknown[]): Promise<readonly unknown[][]> =>
    (await client.query<unknown[]>({ name, text, values: [...values], rowMode: 'array' })).rows;

  const getMany = async (keys: readonly string[]): Promise<number> => {
    const text = `SELECT r.value FROM unnest($1::text[]) AS k(key) CROSS JOIN LATERAL (SELECT valid_to, value FROM ${schema}.record
      WHERE key = k.key ORDER BY valid_from DESC LIMIT 1) AS r WHERE r.valid_to = ${forever}`;
    return (await run('get-many', text, [keys])).length;
  };
  const rangeText = `SELECT key, value FROM ${schema}.record WHERE key >= $1 AND key < $2 AND valid_to = ${forever}
    ORDER BY key LIMIT $3`;

  return {
    writing: (commits) => {
      const prepared = commits.map(prepare);
      return async () => {
        for (const { keys, expected, written, values } of prepared) {
          const [, , rows] = await Promise.all([
            client.query('BEGIN'),
            run('lock-head', `SELECT sequence, purged FROM ${schema}.head FOR UPDATE`, []),
            run('read-versions', versionsText(schema), [keys]),
          ]);
          const versions = rows.map(([version]) => Number(version));
          expected.forEach((version, index) => {
            if (version !== undefined && versions[index] !== version) throw new Error('another version is stored');
          });
          const ended = versions.flatMap((version, index) => (version > 0 && written[index] ? index : []));
          const replaced = [ended.map((index) => keys[index]), ended.map((index) => versions[index])];
          await Promise.all([run('write', writeText(schema), [...replaced, ...values]), client.query('COMMIT')]);
        }
      };
    },
    reading: (keys, atOnce) => {
      const stored = keys.map(escapeText);
      return async () => {
        let found = 0;
        for (let start = 0; start < stored.length; start += atOnce) {
          found += await getMany(stored.slice(start, start + atOnce));
        }
        return found;
      };
    },
    following: (lookups, limit) => async () => {
      let found = 0;
      for (const { range, recordKey } of lookups) {
        const rows = await run('range', rangeText, [escapeText(range.gte), escapeText(range.lt), limit]);
        found += await getMany(rows.map(([key]) => escapeText(recordKey(unescapeText(String(key))))));
      }
      return found;
    },
    traversing: (below) => async () => {
      let found = 0;
      for (const range of subtreeRanges(below)) {
        const lt = escapeText(range.lt);
        let gte = escapeText(range.gte);
        for (let rows = await run('range', rangeText, [gte, lt, scanRows]); rows.length > 0;) {
          for (const [, value] of rows) {
            const record = JSON.parse(String(value)) as { p: Record<string, unknown> };
            if (record.p['jcr:primaryType'] !== undefined) found++;
          }
          gte = nextStoredKey(String(rows.at(-1)?.[0]));
          rows = rows.length < scanRows ? [] : await run('range', rangeText, [gte, lt, scanRows]);
        }
      }
      return found;
    },
    digest: async () => {
      // Of the newest versions: when older ones are purged is the store's own affair. Tokens of the journal are random.
      const hashOf = (rows: string) => `SELECT encode(sha256(string_agg(sha256(convert_to(row::text, 'UTF8')), ''
        ORDER BY place)), 'hex') FROM (${rows}) AS rows(place, row)`;
      const [record] = await run(
        'digest-records',
        hashOf(`SELECT key, (key, valid_from, value) FROM ${schema}.record WHERE valid_to = ${forever}`),
        [],
      );
      const [journal] = await run(
        'digest-journal',
        hashOf(`SELECT sequence, (sequence, entry) FROM ${schema}.journal`),
        [],
      );
      return `${String(record?.[0])} ${String(journal?.[0])}`;
    },
    size: async () => {
      const [row] = await run(
        'size',
        `SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE nspname = $1 AND relkind = 'r'`,
        [schemaName],
      );
      return Number(row?.[0]);
    },
    close: () => client.end(),
  };
}

interface PreparedCommit {
  readonly keys: readonly string[];
  /** For each key the version that must be stored, where the commit names one. */
  readonly expected: readonly (number | undefined)[];
  /** For each key whether the commit writes or removes it. */
  readonly written: readonly boolean[];
  /** Of `writeText`, after the rows that end. */
  readonly values: readonly unknown[];
}

function prepare({ sequence, commit }: RecordedCommit): PreparedCommit {
  const expected = new Map<string, number | undefined>();
  for (const precondition of commit.preconditions) {
    if (precondition.kind === 'version') expected.set(precondition.key, precondition.version);
    if (precondition.kind === 'exists') expected.set(precondition.key, undefined);
  }
  const written = new Set(commit.writes.map(({ key }) => key));
  for (const key of written) if (!expected.has(key)) expected.set(key, undefined);
  const rows = commit.writes.flatMap((write) => ('remove' in write ? [] : write));
  return {
    keys: [...expected.keys()].map(escapeText),
    expected: [...expected.values()],
    written: [...expected.keys()].map((key) => written.has(key)),
    values: [
      rows.map(({ key }) => escapeText(key)),
      rows.map(({ value }) => escapeText(value)),
      sequence,
      randomUUID(),
      escapeText(commit.entry),
    ],
  };
}

/** As commit-group.ts. */
const versionsText = (schema: string): string => `
  SELECT coalesce((SELECT CASE WHEN r.valid_to = ${forever} THEN r.valid_from END FROM ${schema}.record r
    WHERE r.key = k.key ORDER BY r.valid_from DESC LIMIT 1), 0)
  FROM unnest($1::text[]) WITH ORDINALITY AS k(key, place) ORDER BY k.place`;

/** As commit-group.ts, for one commit, and without telling other processes. */
const writeText = (schema: string): string => `
  WITH ended AS (
    UPDATE ${schema}.record SET valid_to = $5
    FROM unnest($1::text[], $2::bigint[]) AS e(key, valid_from)
    WHERE record.key = e.key AND record.valid_from = e.valid_from
  ), written AS (
    INSERT INTO ${schema}.record (key, valid_from, valid_to, value)
    SELECT key, $5, ${forever}, value FROM unnest($3::text[], $4::text[]) AS w(key, value)
  ), appended AS (
    INSERT INTO ${schema}.journal (sequence, token, entry) VALUES ($5, $6, $7)
  )
  UPDATE ${schema}.head SET sequence = $5`;
