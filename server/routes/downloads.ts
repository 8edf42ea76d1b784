import { z } from 'zod';
import type { FastifyInstance } from 'fastify';
import { downloadsRoot } from '../../dam/download-job.js';
import { isDescendantOrSelf } from '../../repository/path.js';
import { accountOf, type ServerServices } from '../services.js';
import { findArchive, sendArchive } from '../delivery.js';
import { downloadPage, inboxPage } from '../pages/downloads-page.js';

/** Newest jobs shown in the inbox. */
const shownJobs = 100;

const jobParameters = z.object({ id: z.string() });
const archiveParameters = z.object({ id: z.string(), file: z.string() });

export function registerDownloads(app: FastifyInstance, services: ServerServices): void {
  const { engine } = services;

  app.get('/downloads', async (request, reply) => {
    const { id: user } = accountOf(request);
    const jobs = await engine.jobs(user, { limit: shownJobs });
    const downloads = jobs.filter(({ payload }) => isDescendantOrSelf(payload, downloadsRoot));
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(inboxPage(user, downloads));
  });

  app.get('/downloads/:id', async (request, reply) => {
    const { id: user } = accountOf(request);
    const job = await engine.job(user, jobParameters.parse(request.params).id);
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(downloadPage(user, job));
  });

  app.post('/downloads/:id/cancel', async (request, reply) => {
    const { id } = jobParameters.parse(request.params);
    await engine.cancel(accountOf(request).id, id);
    return reply.redirect(`/downloads/${encodeURIComponent(id)}`, 303);
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/downloads/:id/:file',
    handler: async (request, reply) => {
      const { id, file } = archiveParameters.parse(request.params);
      return sendArchive(await findArchive(services, accountOf(request), id, file), request, reply);
    },
  });
}
