/** Workflows and work items over HTTP: the engine's methods, and pages for the links in mails. */
import { z } from 'zod';
import type { FastifyInstance } from 'fastify';
import type { JsonObject, JsonValue } from '../../workflows/contract/model.js';
import { parseInput } from '../parse-input.js';
import { workItemPage, workItemsPage } from '../pages/work-items-page.js';
import { accountOf, type ServerServices } from '../services.js';

const states = ['queued', 'running', 'paused', 'completed', 'partial', 'failed', 'cancelled'] as const;
const limit = z.coerce.number().int().min(1).max(500).default(50);
const after = z.string().exactOptional();
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const id = z.object({ id: z.string() });
const listQuery = z.strictObject({
  state: z.enum(states).exactOptional(),
  model: z.string().exactOptional(),
  mine: flag.exactOptional(),
  limit,
  after,
});
const inboxQuery = z.strictObject({
  state: z.enum(['open', 'ended']).exactOptional(),
  all: flag.exactOptional(),
  limit,
  after,
});

const json: z.ZodType<JsonValue> = z.json();
const metadata: z.ZodType<JsonObject> = z.record(z.string(), json);
const launch = z.strictObject({
  model: z.string(),
  payload: z.string(),
  tenant: z.string().exactOptional(),
  metadata: metadata.exactOptional(),
  comment: z.string().exactOptional(),
});
const comment = z.strictObject({ text: z.string() });
const external = z.strictObject({
  step: z.string(),
  result: json.exactOptional(),
  failure: z.string().exactOptional(),
});
const decision = z.strictObject({ comment: z.string().exactOptional(), metadata: metadata.exactOptional() });
const delegation = z.strictObject({ to: z.string(), comment: z.string().exactOptional() });
const returning = z.strictObject({ comment: z.string().exactOptional() });
/** The form of the page; an empty comment is none. */
const form = z.object({ comment: z.string().default('') });

export function registerWorkflows(app: FastifyInstance, { engine }: ServerServices): void {
  app.get('/api/workflows', async (request) =>
    engine.listJobs(accountOf(request).id, parseInput(listQuery, request.query)),
  );
  app.post('/api/workflows', async (request, reply) => {
    const order = parseInput(launch, request.body);
    const job = await engine.launch({ ...order, initiator: accountOf(request).id });
    return reply.code(202).header('location', `/api/workflows/${job.id}`).send(job);
  });
  app.get('/api/workflows/:id', async (request) =>
    engine.job(accountOf(request).id, parseInput(id, request.params).id),
  );
  for (const action of ['pause', 'resume', 'cancel', 'terminate'] as const) {
    app.post(`/api/workflows/:id/${action}`, async (request, reply) => {
      const { id: job } = parseInput(id, request.params);
      await engine[action](accountOf(request).id, job);
      return reply.code(202).send({ id: job });
    });
  }
  for (const action of ['retry', 'rerun'] as const) {
    app.post(`/api/workflows/:id/${action}`, async (request, reply) => {
      const job = await engine[action](accountOf(request).id, parseInput(id, request.params).id);
      return reply.code(202).header('location', `/api/workflows/${job.id}`).send(job);
    });
  }
  app.post('/api/workflows/:id/comments', async (request, reply) => {
    const { id: job } = parseInput(id, request.params);
    await engine.comment(accountOf(request).id, job, parseInput(comment, request.body).text);
    return reply.code(201).send({ id: job });
  });
  app.post('/api/workflows/:id/external', async (request, reply) => {
    const { id: job } = parseInput(id, request.params);
    await engine.completeExternal(accountOf(request).id, job, parseInput(external, request.body));
    return reply.code(202).send({ id: job });
  });

  app.get('/api/inbox', async (request) => engine.inbox(accountOf(request).id, parseInput(inboxQuery, request.query)));
  app.get('/api/inbox/:id', async (request) =>
    engine.workItem(accountOf(request).id, parseInput(id, request.params).id),
  );
  app.post('/api/inbox/:id/complete', async (request) => {
    const { id: item } = parseInput(id, request.params);
    await engine.completeWorkItem(accountOf(request).id, item, parseInput(decision, request.body ?? {}));
    return { id: item };
  });
  app.post('/api/inbox/:id/delegate', async (request) => {
    const { id: item } = parseInput(id, request.params);
    const { to, comment: said } = parseInput(delegation, request.body);
    await engine.delegateWorkItem(accountOf(request).id, item, to, said);
    return { id: item };
  });
  app.post('/api/inbox/:id/return', async (request) => {
    const { id: item } = parseInput(id, request.params);
    await engine.returnWorkItem(accountOf(request).id, item, parseInput(returning, request.body ?? {}).comment);
    return { id: item };
  });

  app.get('/inbox', async (request, reply) => {
    const { id: user } = accountOf(request);
    const { items } = await engine.inbox(user);
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(workItemsPage(user, items));
  });
  app.get('/inbox/:id', async (request, reply) => {
    const { id: user } = accountOf(request);
    const item = await engine.workItem(user, parseInput(id, request.params).id);
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(workItemPage(user, item));
  });
  app.post('/inbox/:id/complete', async (request, reply) => {
    const { id: item } = parseInput(id, request.params);
    const { comment: said } = parseInput(form, request.body ?? {});
    await engine.completeWorkItem(accountOf(request).id, item, said.trim() === '' ? {} : { comment: said });
    return reply.redirect(`/inbox/${item}`, 303);
  });
}
