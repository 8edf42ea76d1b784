/** A Satchel without doors: repository on LevelDB, real renderer, real mailbox, engine on a real Temporal server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino, type Logger } from 'pino';
import { deliverStep } from '../../activities/dam/deliver.js';
import { generateRenditionsStep } from '../../activities/dam/generate-renditions.js';
import { packageStep } from '../../activities/dam/package.js';
import { planDownloadStep } from '../../activities/dam/plan-download.js';
import { renderStep } from '../../activities/dam/render.js';
import type { AnyStep, StepServices } from '../../activities/define-step.js';
import { createMailer } from '../../activities/mail/create-mailer.js';
import { createMailbox, type EmbeddedMailbox } from '../../activities/mail/mailbox.js';
import { createSmtpTransport } from '../../activities/mail/smtp-transport.js';
import { emailStep } from '../../activities/notify/email.js';
import { createStepRegistry, type StepRegistry } from '../../activities/registry.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { createAsset } from '../../dam/asset.js';
import { createSettings } from '../../dam/settings/settings.js';
import { createRenderer } from '../../dam/rendering/create-renderer.js';
import type { Engine } from '../../engine/api.js';
import { createContentKeeper } from '../../engine/content-keeper.js';
import { contentMounts } from '../../engine/content-mounts.js';
import { createEngine, type EngineOptions } from '../../engine/create-engine.js';
import { adminUser, groups, type Repository } from '../../repository/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { nameOf, parentOf } from '../../repository/path.js';
import { openRepository } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../repository/store/level/level-node-store.js';
import { createUser } from '../../repository/users.js';
import { renderChildFile } from '../dam/support/render-child.js';
import { workflowBundle } from '../support/workflow-bundle.js';

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

export interface World {
  readonly folder: string;
  readonly repository: Repository;
  readonly registry: StepRegistry;
  readonly services: StepServices;
  readonly mailbox: EmbeddedMailbox;
  readonly log: Logger;
  /** An engine over this world, at rest; several may follow one another, as processes do. */
  createEngine(temporal?: Partial<EngineOptions['configuration']>, worker?: EngineOptions['worker']): Promise<Engine>;
  addAsset(path: string, content: Uint8Array | string): Promise<void>;
  close(): Promise<void>;
}

/** @param steps beside the built-in ones */
export async function createWorld(steps: readonly AnyStep[] = []): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'satchel-engine-'));
  const stores = {
    nodes: await createLevelNodeStore({ folder: join(folder, 'nodes') }),
    blobs: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }),
  };
  const repository = await openRepository(stores);
  await bootstrapRepository(repository);
  const overlay = createOverlayResolver({ repository });
  const registry = createStepRegistry();
  const builtIn: AnyStep[] = [
    planDownloadStep,
    renderStep,
    packageStep,
    deliverStep,
    generateRenditionsStep,
    emailStep,
  ];
  for (const step of [...builtIn, ...steps]) registry.register(step, step.id);
  const mailbox = await createMailbox({ folder: join(folder, 'mailbox') });
  const transport = createSmtpTransport({ host: '127.0.0.1', port: mailbox.port });
  const renderer = createRenderer({ childFile: await renderChildFile(), concurrency: 1 });
  const services: StepServices = {
    repository,
    blobs: repository.blobs,
    overlay,
    settings: createSettings({ overlay }),
    renderer,
    mailer: createMailer({ overlay, transport, from: 'satchel@example.com' }),
    externalUrl: () => 'http://127.0.0.1:4000',
  };
  const servicesOver: EngineOptions['trial']['servicesOver'] = (over, mails, temporaryFolder) => {
    const resolver = createOverlayResolver({ repository: over });
    const settings = createSettings({ overlay: resolver });
    const mailer = createMailer({ overlay: resolver, transport: mails, from: 'satchel@example.com' });
    return { ...services, repository: over, blobs: over.blobs, overlay: resolver, settings, mailer, temporaryFolder };
  };
  const log = pino({ level: 'silent' });
  const mounts = contentMounts(packageRoot, []);
  const reports = await createContentKeeper({ repository, overlay, registry, mounts, log }).importAll();
  const problems = reports.flatMap((report) => report.problems);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));

  await repository.withSession(adminUser, async (session) => {
    await createUser(session, { id: 'ada', email: 'ada@example.com', language: 'en', groups: [groups.damUsers] });
    await createUser(session, { id: 'bob', email: 'bob@example.com', groups: [groups.damUsers] });
    await createUser(session, { id: 'eve', email: 'eve@example.com' });
    await session.save();
  });
  const bundles = { plain: await workflowBundle(), encoded: await workflowBundle(true) };

  return {
    folder,
    repository,
    registry,
    services,
    mailbox,
    log,
    createEngine: async (temporal = {}, worker) =>
      createEngine({
        dataFolder: folder,
        configuration: { namespace: 'default', tls: false, ...temporal },
        registry,
        services,
        trial: { stores, servicesOver },
        log,
        ...(worker && { worker }),
        workflowBundle: bundles[temporal.encryptionKey ? 'encoded' : 'plain'].codePath,
      }),
    addAsset: (path, content) =>
      repository.withSession(adminUser, async (session) => {
        await session.ensureNode(parentOf(path), { primaryType: 'sling:Folder' }, 'sling:Folder');
        const binary = await session.createBinary(content);
        await createAsset(session, parentOf(path), nameOf(path), {
          binary,
          modified: new Date('2024-01-01T00:00:00Z'),
        });
        await session.save();
      }),
    async close() {
      await transport.close();
      await mailbox.close();
      await renderer.close();
      await repository.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
