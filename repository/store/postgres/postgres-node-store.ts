/**
 * Nodes in a schema of a PostgreSQL database, for any number of processes. A commit locks the one row of `head`, so commits
 * of all processes come one after another; commits that wait together in a process share one transaction.
 */
import { randomUUID } from 'node:crypto';
import { RepositoryError } from '../../errors.js';
import { StoreConflict } from '../contract.js';
import { CommitQueue } from '../commit-queue.js';
import type { WaitingCommit } from '../commit-queue.js';
import type { Commit, JournalEntry, NodeStore, StoreContent, StoreSnapshot } from '../contract.js';
import { commitGroup } from './commit-group.js';
import type { Outcome } from './commit-group.js';
import { CommitListener } from './commit-listener.js';
import { Database, type Row } from './database.js';
import { HistoryKeeper } from './history.js';
import { PostgresSnapshot } from './postgres-snapshot.js';
import { RecentRecords } from '../recent-records.js';
import { restoreContent } from './restore-content.js';
import { migrateSchema } from './schema.js';
import { escapeText, unescapeText } from './stored-text.js';

const journalRowsPerQuery = 500;

/**
 * @param options.url `postgres://user:password@host:port/database`
 * @param options.schema made when missing; default `satchel`
 * @param options.poolSize connections of this process at most, besides one that listens; default 10
 * @throws RepositoryError STORE_UNAVAILABLE, STORE_CORRUPT
 */
export async function createPostgresNodeStore(options: {
  readonly url: string;
  readonly schema?: string;
  readonly poolSize?: number;
}): Promise<NodeStore> {
  const database = new Database(options.url, options.schema ?? 'satchel', options.poolSize ?? 10);
  try {
    await migrateSchema(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return new PostgresNodeStore(database);
}

class PostgresNodeStore implements NodeStore {
  readonly #database: Database;
  /** Names this process in leases and messages. */
  readonly #process = randomUUID();
  readonly #history: HistoryKeeper;
  readonly #listener: CommitListener;
  /** The newest commit of this process. */
  #committed = 0;
  readonly #recent = new RecentRecords();
  #closing: Promise<void> | undefined;
  readonly #queue = new CommitQueue((group) => this.#writeGroup(group));

  constructor(database: Database) {
    this.#database = database;
    const head = () => this.head();
    this.#history = new HistoryKeeper(database, this.#process, head);
    this.#listener = new CommitListener(database, this.#process, head);
  }

  async snapshot(atLeast = Infinity): Promise<StoreSnapshot> {
    const sequence = this.#committed >= atLeast ? this.#committed : await this.head();
    this.#history.hold(sequence);
    this.#recent.reached(sequence);
    return new PostgresSnapshot(this.#database, this.#recent, sequence, () => this.#history.letGo(sequence));
  }

  commit(commit: Commit): Promise<number> {
    return this.#queue.add(commit);
  }

  async #writeGroup(group: readonly WaitingCommit[]): Promise<void> {
    try {
      const outcomes = await commitGroup(
        this.#database,
        this.#process,
        group.map(({ commit }) => commit),
      );
      this.#noteWrites(group, outcomes);
      outcomes.forEach((outcome, index) => {
        if (outcome instanceof StoreConflict) group[index]?.reject(outcome);
        else group[index]?.resolve(outcome);
      });
      if (outcomes.some((outcome) => typeof outcome === 'number')) this.#listener.raise();
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
    }
  }

  #noteWrites(group: readonly WaitingCommit[], outcomes: readonly Outcome[]): void {
    const sequences = outcomes.filter((outcome) => typeof outcome === 'number');
    if (sequences.length === 0) return;
    const [first, last] = [Math.min(...sequences), Math.max(...sequences)];
    this.#committed = last;
    // After a lost connection commits of others may lie between them.
    if (last - first + 1 !== sequences.length) {
      this.#recent.reached(last);
      return;
    }
    const written = group.filter((_, index) => typeof outcomes[index] === 'number');
    const keys = written.flatMap(({ commit }) => commit.writes.map(({ key }) => key));
    this.#recent.wrote(first - 1, last, keys);
  }

  async head(): Promise<number> {
    return Number((await this.#headRow())[0]);
  }

  async journalStart(): Promise<number> {
    return Number((await this.#headRow())[1]);
  }

  async #headRow(): Promise<Row> {
    const [row] = await this.#database.query({
      name: 'head',
      text: `SELECT sequence, journal_start FROM ${this.#database.schema}.head`,
    });
    if (!row) {
      throw new RepositoryError(
        'STORE_CORRUPT',
        `The table head of the schema "${this.#database.schemaName}" is empty; restore the database.`,
      );
    }
    return row;
  }

  async *journal(after: number): AsyncIterable<JournalEntry> {
    const [sequence, start] = await this.#headRow();
    if (after < Number(start)) throw journalTrimmed(after, Number(start));
    const head = Number(sequence);
    const statement = {
      name: 'journal',
      text: `SELECT sequence, entry FROM ${this.#database.schema}.journal WHERE sequence > $1 AND sequence <= $2
             ORDER BY sequence LIMIT ${journalRowsPerQuery}`,
    };
    for (let position = after; position < head;) {
      const rows = await this.#database.query(statement, [position, head]);
      if (Number(rows[0]?.[0]) !== position + 1) await this.#explainGap(position);
      for (const [number, entry] of rows) {
        if (Number(number) !== position + 1) await this.#explainGap(position);
        position++;
        yield { sequence: position, entry: unescapeText(String(entry)) };
      }
    }
  }

  /** Somebody trimmed it meanwhile, or it is broken. */
  async #explainGap(position: number): Promise<never> {
    const start = await this.journalStart();
    if (start > position) throw journalTrimmed(position, start);
    throw new RepositoryError('STORE_CORRUPT', `Journal entry ${position + 1} is missing; restore the database.`);
  }

  async trimJournal(upTo: number): Promise<void> {
    const { schema } = this.#database;
    // First what is promised, then the removal: a crash between the two leaves entries that nobody asks for.
    const [row] = await this.#database.query(
      {
        name: 'trim-journal',
        text: `UPDATE ${schema}.head SET journal_start = greatest(journal_start, least($1, sequence)) RETURNING journal_start`,
      },
      [upTo],
    );
    await this.#database.query({ name: 'drop-journal', text: `DELETE FROM ${schema}.journal WHERE sequence <= $1` }, [
      row?.[0],
    ]);
  }

  onCommit(listener: () => void): () => void {
    return this.#listener.add(listener);
  }

  async getCursor(name: string): Promise<number | undefined> {
    const [row] = await this.#database.query(
      { name: 'get-cursor', text: `SELECT sequence FROM ${this.#database.schema}.cursor WHERE name = $1` },
      [escapeText(name)],
    );
    return row && Number(row[0]);
  }

  async setCursor(name: string, sequence: number): Promise<void> {
    await this.#database.query(
      {
        name: 'set-cursor',
        text: `INSERT INTO ${this.#database.schema}.cursor VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET sequence = greatest(cursor.sequence, excluded.sequence)`,
      },
      [escapeText(name), sequence],
    );
  }

  async cursors(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.query({
      name: 'cursors',
      text: `SELECT name, sequence FROM ${this.#database.schema}.cursor ORDER BY name`,
    });
    return new Map(rows.map(([name, sequence]) => [unescapeText(String(name)), Number(sequence)]));
  }

  async removeCursor(name: string): Promise<void> {
    await this.#database.query(
      { name: 'remove-cursor', text: `DELETE FROM ${this.#database.schema}.cursor WHERE name = $1` },
      [escapeText(name)],
    );
  }

  async restore(content: StoreContent): Promise<void> {
    await restoreContent(this.#database, content);
  }

  /** Once, however often it is asked for: a pool cannot be ended twice. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#queue.idle();
    await this.#listener.close();
    await this.#history.close();
    await this.#database.close();
  }
}

function journalTrimmed(after: number, start: number): RepositoryError {
  return new RepositoryError(
    'JOURNAL_TRIMMED',
    `The journal starts after commit ${start}; ${after} was asked for. Read the content anew.`,
  );
}
