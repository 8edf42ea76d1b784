/**
 * The tables, and how an older schema becomes the newest one.
 *
 * A row of `record` is one version of one record, valid for the snapshots from `valid_from` up to but not including `valid_to`;
 * the newest has `valid_to` = `forever`. `head` is one row, and the lock of every commit.
 */
import { RepositoryError } from '../../errors.js';
import type { Database } from './database.js';
import { asStoreError, snapshotExpiredState } from './store-error.js';

/** `valid_to` of a row that no commit replaced yet: the largest bigint. */
export const forever = '9223372036854775807';

const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `
    CREATE TABLE ${schema}.head (
      one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
      sequence bigint NOT NULL DEFAULT 0,
      journal_start bigint NOT NULL DEFAULT 0,
      -- Rows that ended at or before this sequence may be gone.
      purged bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 10);
    INSERT INTO ${schema}.head DEFAULT VALUES;
    CREATE TABLE ${schema}.record (
      key text COLLATE "C" NOT NULL,
      valid_from bigint NOT NULL,
      valid_to bigint NOT NULL DEFAULT ${forever},
      value text NOT NULL,
      PRIMARY KEY (key, valid_from)
    );
    CREATE INDEX record_ended ON ${schema}.record (valid_to) WHERE valid_to < ${forever};
    CREATE TABLE ${schema}.journal (sequence bigint PRIMARY KEY, token uuid, entry text NOT NULL);
    CREATE TABLE ${schema}.cursor (name text COLLATE "C" PRIMARY KEY, sequence bigint NOT NULL);
    CREATE TABLE ${schema}.lease (process uuid PRIMARY KEY, oldest bigint, heartbeat timestamptz NOT NULL);
    CREATE FUNCTION ${schema}.assert_kept(snapshot bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
      BEGIN
        IF (SELECT purged FROM ${schema}.head) > snapshot THEN
          RAISE EXCEPTION 'rows of snapshot % may be gone', snapshot USING ERRCODE = '${snapshotExpiredState}';
        END IF;
        RETURN true;
      END $$;`,
];

/** @throws RepositoryError STORE_CORRUPT for a schema of something else or of a newer Satchel; STORE_UNAVAILABLE */
export async function migrateSchema(database: Database): Promise<void> {
  await database.retrying(() => migrate(database));
}

async function migrate(database: Database): Promise<void> {
  const { schema, schemaName } = database;
  await database.transaction(async (connection) => {
    // Several processes may start at once; the lock ends with the transaction.
    await connection.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`satchel ${schemaName}`]);
    const { rows: encodings } = await connection.query<{ server_encoding: string }>('SHOW server_encoding');
    if (encodings[0]?.server_encoding !== 'UTF8') {
      throw new RepositoryError('STORE_CORRUPT', 'The database is not encoded in UTF8; create it with ENCODING UTF8.');
    }
    const { rows } = await connection.query<{ relname: string }>(
      `SELECT relname FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
       WHERE nspname = $1 AND relkind IN ('r', 'p', 'v', 'm')`,
      [schemaName],
    );
    const tables = new Set(rows.map(({ relname }) => relname));
    if (tables.size === 0) {
      await connection.query(`CREATE SCHEMA IF NOT EXISTS ${schema};
        CREATE TABLE ${schema}.satchel_schema (version integer NOT NULL);
        INSERT INTO ${schema}.satchel_schema VALUES (0)`);
    } else if (!tables.has('satchel_schema')) {
      throw new RepositoryError(
        'STORE_CORRUPT',
        `The schema "${schemaName}" holds tables of something else; name another one in repository.postgres.schema.`,
      );
    }
    const { rows: versions } = await connection.query<{ version: number }>(
      `SELECT version FROM ${schema}.satchel_schema`,
    );
    const version = versions[0]?.version ?? NaN;
    if (!(version <= migrations.length)) {
      throw new RepositoryError(
        'STORE_CORRUPT',
        `The schema "${schemaName}" has version ${version}, this Satchel knows ${migrations.length}; install a newer one.`,
      );
    }
    for (const migration of migrations.slice(version)) await connection.query(migration(schema));
    await connection.query(`UPDATE ${schema}.satchel_schema SET version = $1`, [migrations.length]);
    if (version > 0) {
      await connection
        .query(`SELECT sequence FROM ${schema}.head, (SELECT count(*) FROM ${schema}.record WHERE false) AS records`)
        .catch((error: unknown) => Promise.reject(asStoreError(error, schemaName) as Error));
    }
  });
}
