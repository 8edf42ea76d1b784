/** Connections to one schema: statements that are tried again when a connection ends, and one that is held for commits. */
import pg from 'pg';
import { asStoreError, isConnectionLoss } from './store-error.js';

export type Row = readonly unknown[];
export type Connection = pg.PoolClient;

/** A statement that is prepared once per connection, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** How long a server that went away is waited for before STORE_UNAVAILABLE, in milliseconds. */
const patience = 15_000;

/**
 * Every statement finds rows by key, so plans that scan a table, right for tables that were empty when the statement was
 * planned, are ruled out.
 */
const plannerOptions = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin'].map((name) => `-c enable_${name}=off`);

export class Database {
  readonly #pool: pg.Pool;
  readonly #connection: pg.ClientConfig;
  /** Quoted, for statements. */
  readonly schema: string;

  constructor(
    url: string,
    readonly schemaName: string,
    poolSize: number,
  ) {
    this.schema = pg.escapeIdentifier(schemaName);
    this.#connection = {
      connectionString: url,
      application_name: 'satchel',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      // Statements go out without waiting for the answers before them; each is still its own, in order.
      pipeline: true,
      options: [...plannerOptions, '-c jit=off'].join(' '),
    };
    this.#pool = new pg.Pool({ ...this.#connection, max: poolSize });
    // An idle connection that ends is replaced by the next one who needs it.
    this.#pool.on('error', () => undefined);
  }

  /** Reads, and writes that may be done twice. @throws RepositoryError STORE_UNAVAILABLE and others of store-error.ts */
  async query(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.retrying(async () => runOn(this.#pool, statement, values));
  }

  /** Runs `work` on a connection of its own, again from the start when the connection ends. */
  async retrying<T>(work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + patience;
    for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
      try {
        return await work();
      } catch (error) {
        if (!isConnectionLoss(error) || Date.now() + pause > deadline) throw asStoreError(error, this.schemaName);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** One transaction; not tried again. Errors are the driver's own. */
  async transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.onConnection(async (connection) => {
      await connection.query('BEGIN');
      const result = await work(connection);
      await connection.query('COMMIT');
      return result;
    });
  }

  /** For transactions that send BEGIN and COMMIT themselves, together with other statements; rolled back when `work` fails. */
  async onConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#pool.connect();
    // A connection that ends between two statements says so here as well as to the next statement.
    const ignore = () => undefined;
    connection.on('error', ignore);
    let broken = true;
    try {
      const result = await work(connection);
      broken = false;
      return result;
    } catch (error) {
      broken = await connection.query('ROLLBACK').then(
        () => isConnectionLoss(error),
        () => true,
      );
      throw error;
    } finally {
      connection.off('error', ignore);
      connection.release(broken);
    }
  }

  /** A connection outside the pool, not connected yet. */
  newClient(): pg.Client {
    return new pg.Client(this.#connection);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

export async function runOn(
  connection: Pick<Connection, 'query'>,
  { name, text }: Statement,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const { rows } = await connection.query<unknown[]>({ name, text, values: [...values], rowMode: 'array' });
  return rows;
}
