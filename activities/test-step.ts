/**
 * Runs one step alone, without a Temporal server: over a repository of its own in a temporary folder, with the very code
 * that runs steps in production around it (configuration and result checked, rights as in production, temporary files
 * removed). For the tests of plugins, whatever runs them.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAsset } from '../dam/asset.js';
import type { CurrentEntry, DownloadJob } from '../dam/download-job.js';
import { createDownload, openDownloadJob } from '../dam/download-job-store.js';
import { createSettings } from '../dam/settings/settings.js';
import { createRenderer } from '../dam/rendering/create-renderer.js';
import { adminUser, type Repository, type Session } from '../repository/api.js';
import { createOverlayResolver } from '../repository/overlay/resolver.js';
import { nameOf, parentOf } from '../repository/path.js';
import { openRepository } from '../repository/repository.js';
import { createFilesystemBlobStore } from '../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../repository/store/level/level-node-store.js';
import type { PropertyInput } from '../repository/value.js';
import { parseDownloadRequest, type DownloadRequestInput } from '../workflows/contract/download-request.js';
import type { JsonObject, JsonValue, StepInput, StepProgress } from '../workflows/contract/model.js';
import { planDownloadStep } from './dam/plan-download.js';
import { renderStep } from './dam/render.js';
import type { AnyStep, StepLogger, StepServices } from './define-step.js';
import { createMailer } from './mail/create-mailer.js';
import { majorOf } from './registry.js';
import { countChunks, runStep } from './run-step.js';
import { bootstrapRepository } from './satchel/bootstrap-repository.js';
import type { StepAttempt } from './step-context.js';

export interface StepTest {
  /** Content by path. Bytes become an asset of that name; properties a node. Missing folders are made. */
  readonly tree?: Readonly<Record<string, Uint8Array | Readonly<Record<string, PropertyInput>>>>;
  /** As a model would configure it. Default: empty. */
  readonly config?: JsonObject;
  /** For steps of downloads: the download is planned and its renditions are made before the step runs. */
  readonly download?: DownloadRequestInput;
  /** Steps that run before it, in this order, with nothing configured. */
  readonly after?: readonly AnyStep[];
  /** What other steps work on. Default: the download, else `/content/dam`. */
  readonly payload?: string;
  readonly tenant?: string;
  /** Who the workflow runs for. Default: the administrator. */
  readonly user?: string;
  readonly signal?: AbortSignal;
}

export interface StepTestResult {
  /** The step's result; for a step that splits its work, one result a chunk. */
  readonly result: JsonValue;
  /** Whether it marked something as failed alone. */
  readonly partial: boolean;
  /** Everything it reported, in order. */
  readonly progress: readonly StepProgress[];
  /** The download's entries as the next step would see them; empty without a download. */
  readonly entries: readonly CurrentEntry[];
  /** Reads the bytes of entries. @throws when the step works on no download */
  readonly download: () => DownloadJob;
  /** Sees what the step saved, with all rights. */
  readonly session: Session;
  /** Closes the repository and removes its folder. */
  readonly close: () => Promise<void>;
}

/** @throws SatchelError as the step does in production, INVALID_STEP_CONFIG and INVALID_STEP_RESULT among them */
export async function testStep(step: AnyStep, test: StepTest = {}): Promise<StepTestResult> {
  const folder = await mkdtemp(join(tmpdir(), 'satchel-test-step-'));
  const repository = await openRepository({
    nodes: await createLevelNodeStore({ folder: join(folder, 'nodes') }),
    blobs: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }),
  });
  const renderer = createRenderer({ childFile: renderChildFile(), concurrency: 1 });
  const closeRepository = async () => {
    await renderer.close();
    await repository.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await bootstrapRepository(repository);
    await buildTree(repository, test.tree ?? {});
    const overlay = createOverlayResolver({ repository });
    const services: StepServices = {
      repository,
      blobs: repository.blobs,
      overlay,
      settings: createSettings({ overlay }),
      renderer,
      mailer: createMailer({ overlay, transport: undefined, from: 'satchel@localhost.localdomain' }),
      externalUrl: () => 'http://127.0.0.1',
    };
    const payload = await payloadOf(repository, test);
    const isPlanned = test.download !== undefined && step.id !== planDownloadStep.id;
    const before = isPlanned ? [planDownloadStep, renderStep].filter(({ id }) => id !== step.id) : [];
    for (const earlier of [...before, ...(test.after ?? [])]) {
      await runAll(attemptOf(earlier, {}, payload, services, test, () => undefined));
    }
    const progress: StepProgress[] = [];
    const outcome = await runAll(
      attemptOf(step, test.config ?? {}, payload, services, test, (report) => progress.push(report)),
    );
    const session = await repository.login(adminUser);
    const job = test.download ? await openDownloadJob(session, payload) : undefined;
    return {
      ...outcome,
      progress,
      entries: (await job?.entries()) ?? [],
      download: () => {
        if (job) return job;
        throw new TypeError('This test has no download: name one in the options.');
      },
      session,
      close: async () => {
        await session.close();
        await closeRepository();
      },
    };
  } catch (error) {
    await closeRepository();
    throw error;
  }
}

/**
 * Runs a step once with the configuration of each of its examples, so that what a person copies works.
 * @param test what the step works on; each example has a repository of its own
 * @returns the titles, in order @throws Error naming the example that failed, with the reason as its cause
 */
export async function testExamples(step: AnyStep, test: Omit<StepTest, 'config'> = {}): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, config } of step.examples) {
    try {
      const { close } = await testStep(step, { ...test, config: config as JsonObject });
      await close();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`The example "${title}" of ${step.id} does not run: ${reason}`, { cause });
    }
    titles.push(title);
  }
  return titles;
}

async function runAll(attempt: StepAttempt): Promise<{ readonly result: JsonValue; readonly partial: boolean }> {
  if (!attempt.step.chunks) return runStep(attempt);
  const count = await countChunks(attempt);
  const outputs = [];
  for (let index = 0; index < count; index++) {
    outputs.push(await runStep({ ...attempt, input: { ...attempt.input, chunk: { index, count } } }));
  }
  return { result: outputs.map(({ result }) => result), partial: outputs.some(({ partial }) => partial) };
}

function attemptOf(
  step: AnyStep,
  config: JsonObject,
  payload: string,
  services: StepServices,
  { tenant = 'global', user = adminUser, signal = new AbortController().signal }: StepTest,
  onProgress: (progress: StepProgress) => void,
): StepAttempt {
  const input: StepInput = {
    step: { name: nameOf(`/${step.id}`), id: step.id, major: majorOf(step), title: step.title, config, layer: '/libs' },
    workflow: {
      id: 'test',
      model: 'test/model',
      modelVersion: 'test',
      request: '/var/workflow/requests/test',
      payload,
      tenant,
      initiator: user,
    },
  };
  return { step, input, services, log: silent, attempt: 1, signal, onProgress };
}

async function payloadOf(repository: Repository, { download, payload, tenant, user }: StepTest): Promise<string> {
  if (!download) return payload ?? '/content/dam';
  return repository.withSession({ service: 'workflow' }, async (session) => {
    const path = await createDownload(session, {
      id: 'test',
      initiator: user ?? adminUser,
      tenant: tenant ?? 'global',
      request: parseDownloadRequest(download),
      workflowId: 'test',
      created: new Date(),
    });
    await session.save();
    return path;
  });
}

async function buildTree(repository: Repository, tree: NonNullable<StepTest['tree']>): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    for (const [path, content] of Object.entries(tree)) {
      if (content instanceof Uint8Array) {
        await session.ensureNode(parentOf(path), { primaryType: 'sling:Folder' }, 'sling:Folder');
        await createAsset(session, parentOf(path), nameOf(path), { binary: await session.createBinary(content) });
      } else {
        await session.ensureNode(path, {}, 'sling:Folder');
        await session.setProperties(path, content);
      }
    }
    await session.save();
  });
}

/** The compiled program that decodes images; beside this file in the package, in `dist` while Satchel runs from its sources. */
function renderChildFile(): string {
  const built = fileURLToPath(new URL('../dam/rendering/render-child.js', import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL('../dist/dam/rendering/render-child.js', import.meta.url));
}

const ignore = () => undefined;
const silent: StepLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
