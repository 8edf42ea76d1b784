/** Builds what a step's `run` gets, and tidies up after it: sessions closed, the temporary folder removed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DownloadJob } from '../dam/download-job.js';
import { openDownloadJob } from '../dam/download-job-store.js';
import type { Session } from '../repository/api.js';
import { SatchelError } from '../workflows/contract/errors.js';
import { mergeMetadata, metadataProblem } from '../workflows/contract/metadata.js';
import type { JsonObject, JsonValue, StepInput, StepOutput, StepProgress } from '../workflows/contract/model.js';
import { workflowUserData } from '../workflows/contract/workflow-user-data.js';
import { readLaunchers } from './satchel/request-node.js';
import { readMetadataValue } from './satchel/metadata-values.js';
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

const maxMetadataNameLength = 100;

/**
 * The same for every attempt, also in a retry of the whole workflow; different for every step, every time a goto leads to
 * it, and every chunk.
 */
export function idempotencyKeyOf({ workflow, step, chunk }: StepInput): string {
  const key = `${workflow.keysOf ?? workflow.id}/${step.name}`;
  const visited = step.visit === undefined ? key : `${key}~${step.visit}`;
  return chunk ? `${visited}/${chunk.index}` : visited;
}

/**
 * Runs `work` with the context of this attempt.
 * @returns what it answered, whether it marked something as failed alone, and what it changed in the metadata map
 */
export async function withStepContext<T>(
  { step, input, services, log, attempt, signal, onProgress }: StepAttempt,
  config: unknown,
  work: (context: StepContext<unknown>) => Promise<T>,
): Promise<{ readonly result: T } & Pick<StepOutput, 'partial' | 'metadata'>> {
  const { workflow, chunk, compensates } = input;
  const { metadata = {} } = workflow;
  const { repository, overlay } = services;
  let userSession: Promise<Session> | undefined;
  let serviceSession: Promise<Session> | undefined;
  let downloadSession: Promise<Session> | undefined;
  let download: Promise<DownloadJob> | undefined;
  let folder: Promise<string> | undefined;
  let partial = false;
  let changes: JsonObject = {};

  // What a step changes says which workflow it was: launchers do not start on what they led to.
  let userData = workflowUserData({ model: workflow.model, launchers: [] });
  const told = async (opening: Promise<Session>): Promise<Session> => {
    const session = await opening;
    session.setUserData(userData);
    return session;
  };
  const openServiceSession = () => (serviceSession ??= told(repository.loginService(step.serviceUser ?? 'workflow')));
  // A session of its own: recording outcomes saves, and must not save what the step has pending.
  const openDownload = async () => {
    downloadSession = told(repository.loginService('workflow'));
    const { container } = workflow;
    const name = container === undefined ? input.step.name : `${container}/${input.step.name}`;
    const options = { step: { ...input.step, name }, ...(chunk && { chunk: chunk.index }) };
    return openDownloadJob(await downloadSession, workflow.payload, options);
  };
  try {
    // With rights to read configuration, which the step's own service user may lack.
    const tenant = await repository.withSession({ service: 'workflow' }, async (session) => {
      userData = workflowUserData({
        model: workflow.model,
        launchers: await readLaunchers(session, workflow.request),
      });
      return overlay.tenant(session, workflow.tenant);
    });
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
      session: () => (userSession ??= told(repository.login(workflow.initiator))),
      serviceSession: openServiceSession,
      download: () => (download ??= openDownload()),
      progress: onProgress,
      metadataValue: (name) =>
        repository.withSession({ service: 'workflow' }, (session) =>
          readMetadataValue(session, workflow.request, workflow.metadata, name),
        ),
      tempFolder: () => (folder ??= mkdtemp(join(services.temporaryFolder ?? tmpdir(), 'satchel-step-'))),
      partial: () => {
        partial = true;
      },
      metadata: Object.freeze({ ...metadata }),
      setMetadata: (name, value) => {
        changes = changedMetadata(metadata, changes, name, value);
      },
      compensates,
    });
    return { result, partial, ...(Object.keys(changes).length > 0 && { metadata: changes }) };
  } finally {
    // One that could not be opened failed the step already.
    for (const session of [userSession, serviceSession, downloadSession])
      await session?.then((open) => open.close()).catch(() => undefined);
    const path = await folder?.catch(() => undefined);
    if (path !== undefined) await rm(path, { recursive: true, force: true });
  }
}

function changedMetadata(map: JsonObject, changes: JsonObject, name: string, value: JsonValue): JsonObject {
  if (name === '' || name.length > maxMetadataNameLength) {
    throw new SatchelError(
      'INVALID_STEP_RESULT',
      `"${name.slice(0, maxMetadataNameLength)}" is no name for the metadata map: it must have 1 to ${maxMetadataNameLength} characters.`,
    );
  }
  // An entry, not an assignment: `__proto__` is a name like any other.
  const changed: JsonObject = { ...changes, ...Object.fromEntries([[name, value]]) };
  const problem = metadataProblem(mergeMetadata(map, changed));
  if (problem !== undefined) throw new SatchelError('METADATA_TOO_LARGE', problem);
  return changed;
}
