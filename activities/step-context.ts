/** Builds what a step's `run` gets, and tidies up after it: sessions closed, the temporary folder removed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DownloadJob } from '../dam/download-job.js';
import { openDownloadJob } from '../dam/download-job-store.js';
import type { Session } from '../repository/api.js';
import type { StepInput, StepProgress } from '../workflows/contract/model.js';
import type { AnyStep, StepContext, StepLogger, StepServices } from './define-step.js';

/** One attempt of one step, or of one chunk of it. */
export interface StepAttempt {
  readonly step: AnyStep;
  readonly input: StepInput;
  readonly services: StepServices;
  readonly log: StepLogger;
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Passes on what the step reports. */
  readonly onProgress: (progress: StepProgress) => void;
}

/** The same for every attempt; different for every step and chunk of every run. */
export function idempotencyKeyOf({ workflow, step, chunk }: StepInput): string {
  const key = `${workflow.id}/${step.name}`;
  return chunk ? `${key}/${chunk.index}` : key;
}

/**
 * Runs `work` with the context of this attempt.
 * @returns what it answered, and whether it marked something as failed alone
 */
export async function withStepContext<T>(
  { step, input, services, log, attempt, signal, onProgress }: StepAttempt,
  config: unknown,
  work: (context: StepContext<unknown>) => Promise<T>,
): Promise<{ readonly result: T; readonly partial: boolean }> {
  const { workflow, chunk } = input;
  const { repository, overlay } = services;
  let userSession: Promise<Session> | undefined;
  let serviceSession: Promise<Session> | undefined;
  let downloadSession: Promise<Session> | undefined;
  let download: Promise<DownloadJob> | undefined;
  let folder: Promise<string> | undefined;
  let partial = false;

  const openServiceSession = () => (serviceSession ??= repository.loginService(step.serviceUser ?? 'workflow'));
  // A session of its own: recording outcomes saves, and must not save what the step has pending.
  const openDownload = async () => {
    downloadSession = repository.loginService('workflow');
    const options = { step: input.step, ...(chunk && { chunk: chunk.index }) };
    return openDownloadJob(await downloadSession, workflow.payload, options);
  };
  try {
    // With rights to read configuration, which the step's own service user may lack.
    const tenant = await repository.withSession({ service: 'workflow' }, (session) =>
      overlay.tenant(session, workflow.tenant),
    );
    const result = await work({
      config,
      payload: workflow.payload,
      tenant,
      initiator: workflow.initiator,
      workflow,
      step: input.step,
      chunk,
      idempotencyKey: idempotencyKeyOf(input),
      attempt,
      services,
      log,
      signal,
      session: () => (userSession ??= repository.login(workflow.initiator)),
      serviceSession: openServiceSession,
      download: () => (download ??= openDownload()),
      progress: onProgress,
      tempFolder: () => (folder ??= mkdtemp(join(services.temporaryFolder ?? tmpdir(), 'satchel-step-'))),
      partial: () => {
        partial = true;
      },
    });
    return { result, partial };
  } finally {
    // One that could not be opened failed the step already.
    for (const session of [userSession, serviceSession, downloadSession])
      await session?.then((open) => open.close()).catch(() => undefined);
    const path = await folder?.catch(() => undefined);
    if (path !== undefined) await rm(path, { recursive: true, force: true });
  }
}
