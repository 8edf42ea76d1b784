/** AEM's QueryBuilder over HTTP (Adobe, "Query Builder API"): its parameters, and its answer. Errors are RFC 9457 problems. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Repository, Session } from '../../repository/api.js';
import { parseQueryBuilder, type QueryBuilderQuery } from '../../repository/query/query-builder.js';
import { accountOf } from '../services.js';
import { writeHit } from './querybuilder-hits.js';

export const queryBuilderRoute = '/bin/querybuilder.json';

/** How far `p.guessTotal=N` counts; a total that is guessed is a lower bound anyway. */
const maxGuess = 10_000;

export function registerQueryBuilder(app: FastifyInstance, repository: Repository): void {
  app.get(queryBuilderRoute, async (request, reply) => {
    const { id } = accountOf(request);
    // Not the parsed query, which makes lists of names that repeat.
    const parameters = new URL(request.raw.url ?? '', 'http://localhost').searchParams;
    const asked = parseQueryBuilder(parameters);
    const answer = answerOf(repository, id, asked);
    // What is wrong with the query is known by the first hit, and can still be answered as an error then.
    const first = await answer.next();
    return reply
      .type('application/json; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(Readable.from(resumed(first, answer), { objectMode: false }));
  });
}

/** `{success, hits: […], results, total, more, offset}`, hit by hit. */
async function* answerOf(repository: Repository, user: string, asked: QueryBuilderQuery): AsyncGenerator<string> {
  const session = await repository.login(user);
  try {
    yield* answerIn(session, asked);
  } finally {
    await session.close();
  }
}

async function* answerIn(session: Session, asked: QueryBuilderQuery): AsyncGenerator<string> {
  const { query, guessTotal } = asked;
  const { offset = 0, limit = Infinity } = query;
  const counted = typeof guessTotal === 'number' ? Math.min(guessTotal, maxGuess) - offset : 0;
  const read = Math.max(limit, counted);
  const result = await session.query({
    ...query,
    count: guessTotal === undefined,
    ...(read !== Infinity && { limit: read }),
  });
  let found = 0;
  let text = '{"success":true,"hits":[';
  for await (const node of result.nodes()) {
    found++;
    // What comes after the page is only counted.
    if (found > limit) continue;
    for await (const part of writeHit(session, node, asked)) {
      yield text + part;
      text = '';
    }
    text = ',';
  }
  const results = Math.min(found, limit);
  const more = found > results || result.next !== undefined;
  const facts = { results, total: result.total ?? offset + found, more, offset };
  yield `${text === ',' ? '' : text}],${JSON.stringify(facts).slice(1)}`;
}

async function* resumed(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    if (first.done !== true) yield first.value;
    yield* rest;
  } finally {
    // Also when the reader went away before the rest was asked for.
    await rest.return(undefined);
  }
}
