/** Fills an empty schema with the content of another store, in one transaction: all of it is there, or nothing. */
import { RepositoryError } from '../../errors.js';
import type { JournalEntry, StoreContent } from '../contract.js';
import { runOn, type Connection, type Database } from './database.js';
import { asStoreError } from './store-error.js';
import { escapeText } from './stored-text.js';

const entriesPerStatement = 500;

/** @throws RepositoryError STORE_NOT_EMPTY, STORE_FULL, STORE_UNAVAILABLE */
export async function restoreContent(database: Database, content: StoreContent): Promise<void> {
  const { schema } = database;
  try {
    await database.transaction(async (connection) => {
      const { rows } = await connection.query<{ sequence: string }>(`SELECT sequence FROM ${schema}.head FOR UPDATE`);
      if (Number(rows[0]?.sequence) > 0) {
        throw new RepositoryError('STORE_NOT_EMPTY', 'The store holds content already; restore into an empty one.');
      }
      for await (const entries of content.records) {
        await runOn(
          connection,
          {
            name: 'restore-records',
            text: `INSERT INTO ${schema}.record (key, valid_from, value)
                   SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])`,
          },
          [
            entries.map(({ key }) => escapeText(key)),
            entries.map(({ version }) => version),
            entries.map(({ value }) => escapeText(value)),
          ],
        );
      }
      let some: JournalEntry[] = [];
      for await (const entry of content.journal) {
        some.push(entry);
        if (some.length < entriesPerStatement) continue;
        await writeJournal(connection, schema, some);
        some = [];
      }
      await writeJournal(connection, schema, some);
      await connection.query(
        `INSERT INTO ${schema}.cursor SELECT * FROM unnest($1::text[], $2::bigint[])
         ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence`,
        [[...content.cursors.keys()].map(escapeText), [...content.cursors.values()]],
      );
      // What was removed before is not known here, as if it had been purged.
      await connection.query(`UPDATE ${schema}.head SET sequence = $1, journal_start = $2, purged = $1`, [
        content.sequence,
        content.journalStart,
      ]);
    });
  } catch (error) {
    throw asStoreError(error, database.schemaName);
  }
}

async function writeJournal(connection: Connection, schema: string, entries: readonly JournalEntry[]): Promise<void> {
  await runOn(
    connection,
    {
      name: 'restore-journal',
      text: `INSERT INTO ${schema}.journal (sequence, entry) SELECT * FROM unnest($1::bigint[], $2::text[])`,
    },
    [entries.map(({ sequence }) => sequence), entries.map(({ entry }) => escapeText(entry))],
  );
}
