/** Queries that an index answers, against the same entries and records read from the database directly. */
import type { Query } from '../repository/query/query.js';
import { encodeLiteral, indexedPart } from '../repository/query/encode-value.js';
import { indexRoot } from '../repository/query/index-definition.js';
import { placeOf, propertyPrefix, stateKey } from '../repository/query/index-keys.js';
import { decodeIndexState } from '../repository/query/index-state.js';
import { nodeKey } from '../repository/keys.js';
import type { Lookup, RecordedCommit } from './repository-backend.js';
import type { Pair } from './repository-pair.js';
import { subjects, treeRoot } from './repository-tree.js';
import { alternate, expectCount, time, withAdmin } from './repository-work.js';
import type { Comparison, WorkContext } from './repository-work.js';

const property = 'dc:subject';
const definition = `${indexRoot}/benchSubject`;
const queryCount = 200;
const firstHits = 100;

/** Defines an index on the subjects of the assets, on both sides; each subject has many. */
export async function compareQueries({ rounds, signal }: WorkContext, work: string, pair: Pair): Promise<Comparison> {
  const id = await defineIndex(pair);
  const wanted = Array.from({ length: queryCount }, (_, index) => subjects[index % subjects.length] ?? '');
  const queries = wanted.map((value): Query => ({ where: { property, op: '=', value }, limit: firstHits }));
  const following = pair.raw.following(
    wanted.map((value) => lookupOf(id, value)),
    firstHits,
  );
  const expected = await following();
  const times = await withAdmin(pair, (session) =>
    alternate(rounds, signal, async () => ({
      ours: await time(async () => {
        let found = 0;
        for (const query of queries) {
          const result = await session.query(query);
          for await (const node of result.nodes()) if (node.path.startsWith(treeRoot)) found++;
        }
        expectCount(found, expected);
      }),
      raw: await time(async () => expectCount(await following(), expected)),
    })),
  );
  return { work, ...times, goal: 0.8 };
}

/** @returns what names the entries of the index */
async function defineIndex(pair: Pair): Promise<string> {
  await withAdmin(pair, async (session) => {
    await session.addNode(definition, {
      primaryType: 'oak:QueryIndexDefinition',
      properties: { type: 'property', propertyNames: { type: 'Name', multiple: true, values: [property] } },
    });
    await session.save();
  });
  await pair.repository.indexer.catchUp();
  const commits = pair.takeCommits();
  await pair.raw.writing(commits)();
  return idIn(commits);
}

function idIn(commits: readonly RecordedCommit[]): string {
  const writes = commits.flatMap(({ commit }) => commit.writes);
  for (const write of writes.reverse()) {
    if (write.key !== stateKey(definition) || 'remove' in write) continue;
    const state = decodeIndexState(definition, write.value);
    if (state.phase === 'ready') return state.id;
  }
  throw new Error(`the index ${definition} was not built`);
}

/** Of an entry's key, all behind the value is the place of the node. */
function lookupOf(id: string, text: string): Lookup {
  const [value = ''] = encodeLiteral(text).map(indexedPart);
  const prefix = `${propertyPrefix(id, property)}${value}`;
  const letter = nodeKey('/').slice(0, -placeOf('/').length);
  return {
    range: { gte: `${prefix}\0`, lt: `${prefix}\u0001` },
    recordKey: (entryKey) => letter + entryKey.slice(prefix.length + 1),
  };
}
