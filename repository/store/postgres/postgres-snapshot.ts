/** The store as of one sequence. It holds no transaction: the rows say for which sequences they are valid. */
import type { KeyRange, RangeOptions, StoredEntry, StoredRecord, StoreSnapshot } from '../contract.js';
import type { Database, Row } from './database.js';
import type { RecentRecords } from '../recent-records.js';
import { escapeText, nextStoredKey, unescapeText } from './stored-text.js';

const keysPerQuery = 300;
/** Who asks for more keys at once seldom asks for them again, and waits once for many. */
const maxRecentKeys = 16;
/** A page of a range: few rows at first, as many readers stop early; then as many as hold about `charactersPerPage`. */
const [firstRows, maxRows] = [200, 1_000];
const charactersPerPage = 1024 * 1024;

export class PostgresSnapshot implements StoreSnapshot {
  #open = true;

  constructor(
    private readonly database: Database,
    private readonly recent: RecentRecords,
    readonly sequence: number,
    private readonly letGo: () => void,
  ) {}

  async getMany(keys: readonly string[]): Promise<(StoredRecord | undefined)[]> {
    if (keys.length > maxRecentKeys) return this.#read(keys);
    const known = keys.map((key) => this.recent.get(key, this.sequence));
    const missing = keys.filter((_, index) => !known[index]);
    if (missing.length === 0) return known.map((one) => one?.record);
    const found = await this.#read(missing);
    missing.forEach((key, index) => this.recent.offer(key, found[index], this.sequence));
    const read = found[Symbol.iterator]();
    return known.map((one) => (one ? one.record : read.next().value));
  }

  async #read(keys: readonly string[]): Promise<(StoredRecord | undefined)[]> {
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
    let left = options.limit ?? Infinity;
    let wanted = Math.min(left, firstRows);
    const request = () => this.database.query(statement, [gte, lt, this.sequence, wanted]);
    let page = left > 0 ? request() : undefined;
    while (page) {
      const rows = await page;
      page = undefined;
      left -= rows.length;
      if (rows.length === wanted && left > 0) {
        const last = String(rows.at(-1)?.[0]);
        if (reverse) lt = last;
        else gte = nextStoredKey(last);
        wanted = Math.min(left, rowsOfNextPage(rows));
        // On its way while this one is consumed. Who stops before has no use for its failure.
        page = request();
        page.catch(() => undefined);
      }
      if (rows.length > 0) yield rows.map(toEntry);
    }
  }

  async close(): Promise<void> {
    if (this.#open) this.letGo();
    this.#open = false;
  }
}

function toEntry([key, version, value]: Row): StoredEntry {
  return { key: unescapeText(String(key)), value: unescapeText(String(value)), version: Number(version) };
}

/** Expects records as long as those of this page. */
function rowsOfNextPage(rows: readonly Row[]): number {
  const characters = rows.reduce((sum, [, , value]) => sum + String(value).length, 0);
  return Math.min(maxRows, Math.max(1, Math.floor((rows.length / Math.max(1, characters)) * charactersPerPage)));
}
