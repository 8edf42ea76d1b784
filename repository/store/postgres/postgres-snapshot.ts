/** The store as of one sequence. It holds no transaction: the rows say for which sequences they are valid. */
import type { KeyRange, RangeOptions, StoredEntry, StoredRecord, StoreSnapshot } from '../contract.js';
import type { Database } from './database.js';
import { escapeText, nextStoredKey, unescapeText } from './stored-text.js';

const keysPerQuery = 300;
const rowsPerQuery = 500;

export class PostgresSnapshot implements StoreSnapshot {
  #open = true;

  constructor(
    private readonly database: Database,
    readonly sequence: number,
    private readonly letGo: () => void,
  ) {}

  async getMany(keys: readonly string[]): Promise<(StoredRecord | undefined)[]> {
    const { schema } = this.database;
    const statement = {
      name: 'get-many',
      // From the newest version that the snapshot may see: a record that changes often has many.
      text: `SELECT k.place, r.valid_from, r.value FROM unnest($1::text[]) WITH ORDINALITY AS k(key, place)
             CROSS JOIN LATERAL (SELECT valid_from, valid_to, value FROM ${schema}.record
               WHERE key = k.key AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1) AS r
             WHERE r.valid_to > $2 AND (SELECT ${schema}.assert_kept($2))`,
    };
    const found = new Array<StoredRecord | undefined>(keys.length).fill(undefined);
    for (let start = 0; start < keys.length; start += keysPerQuery) {
      const some = keys.slice(start, start + keysPerQuery).map(escapeText);
      for (const [place, version, value] of await this.database.query(statement, [some, this.sequence])) {
        found[start + Number(place) - 1] = { value: unescapeText(String(value)), version: Number(version) };
      }
    }
    return found;
  }

  async *range(range: KeyRange, options: RangeOptions = {}): AsyncIterable<readonly StoredEntry[]> {
    const { schema } = this.database;
    const reverse = options.reverse ?? false;
    const statement = {
      name: reverse ? 'range-reverse' : 'range',
      text: `SELECT key, valid_from, value FROM ${schema}.record
             WHERE key >= $1 AND key < $2 AND valid_from <= $3 AND valid_to > $3 AND (SELECT ${schema}.assert_kept($3))
             ORDER BY key ${reverse ? 'DESC' : 'ASC'} LIMIT $4`,
    };
    let [gte, lt] = [escapeText(range.gte), escapeText(range.lt)];
    for (let left = options.limit ?? Infinity; left > 0;) {
      const wanted = Math.min(left, rowsPerQuery);
      const rows = await this.database.query(statement, [gte, lt, this.sequence, wanted]);
      if (rows.length > 0) {
        yield rows.map(([key, version, value]) => ({
          key: unescapeText(String(key)),
          value: unescapeText(String(value)),
          version: Number(version),
        }));
      }
      if (rows.length < wanted) return;
      left -= rows.length;
      const last = String(rows.at(-1)?.[0]);
      if (reverse) lt = last;
      else gte = nextStoredKey(last);
    }
  }

  async close(): Promise<void> {
    if (this.#open) this.letGo();
    this.#open = false;
  }
}
