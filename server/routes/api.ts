/** The JSON API. Errors are `{error: {code, message, details}}` with the status of the error table. */
import { z } from 'zod';
import type { FastifyInstance } from 'fastify';
import type { JobView } from '../../engine/api.js';
import { nameOf } from '../../repository/path.js';
import { fileCount } from '../file-count.js';
import { parseInput } from '../parse-input.js';
import { accountOf, type ServerServices } from '../services.js';

const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(50) });
const jobParameters = z.object({ id: z.string() });
/** The request itself is parsed by the engine; what a stranger to this machine may not say is refused here. */
const remoteRequest = z.looseObject({
  outFolder: z.undefined({ error: 'only the command line of this machine may set it' }).optional(),
});

export function registerApi(app: FastifyInstance, services: ServerServices): void {
  const { engine } = services;

  app.post('/api/downloads', async (request, reply) => {
    const job = await engine.requestDownload(accountOf(request).id, parseInput(remoteRequest, request.body));
    return reply.code(202).header('location', `/api/downloads/${job.id}`).send(job);
  });

  app.get('/api/downloads', async (request) => {
    const { limit } = parseInput(listQuery, request.query);
    return { downloads: await engine.jobs(accountOf(request).id, { limit }) };
  });

  app.get('/api/downloads/:id', async (request) => {
    const { id } = parseInput(jobParameters, request.params);
    return downloadDocument(await engine.job(accountOf(request).id, id));
  });

  app.post('/api/downloads/:id/cancel', async (request, reply) => {
    const { id } = parseInput(jobParameters, request.params);
    await engine.cancel(accountOf(request).id, id);
    return reply.code(202).send({ id });
  });
}

/** A job with its archives as links; where their bytes lie is the server's business. */
function downloadDocument({ archives, ...job }: JobView): object {
  return {
    ...job,
    archives: (archives?.parts ?? []).map((part) => ({
      file: part.file,
      size: part.size,
      files: fileCount(part),
      // A retry goes on with the download of the job before it.
      url: `/downloads/${nameOf(job.payload)}/${encodeURIComponent(part.file)}`,
    })),
  };
}
