/** A repository with its first rights, an overlay and a renderer; and a way to run steps on it without Temporal. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { AnyStep, StepServices } from '../../../activities/define-step.js';
import type { Mailer } from '../../../activities/mail/mailer.js';
import { countChunks, runStep } from '../../../activities/run-step.js';
import { createAsset } from '../../../dam/asset.js';
import { createDownload } from '../../../dam/download-job-store.js';
import { createSettings } from '../../../dam/settings/settings.js';
import { createRenderer } from '../../../dam/rendering/create-renderer.js';
import { bootstrapRepository } from '../../../activities/satchel/bootstrap-repository.js';
import { adminUser } from '../../../repository/api.js';
import type { Repository, Session } from '../../../repository/api.js';
import { createOverlayResolver } from '../../../repository/overlay/resolver.js';
import { openRepository } from '../../../repository/repository.js';
import { createFilesystemBlobStore } from '../../../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../../../repository/store/level/level-node-store.js';
import { createUser } from '../../../repository/users.js';
import { parseDownloadRequest } from '../../../workflows/contract/download-request.js';
import type { DownloadRequestInput } from '../../../workflows/contract/download-request.js';
import type { JsonObject, StepInput, StepOutput, StepProgress } from '../../../workflows/contract/model.js';
import { renderChildFile } from './render-child.js';

export const modified = new Date('2023-04-05T06:07:08.000Z');

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: StepProgress) => void;
  readonly tenant?: string;
}

export interface World {
  readonly folder: string;
  readonly repository: Repository;
  readonly services: StepServices;
  /** Runs work as the administrator and saves. */
  change(work: (session: Session) => Promise<void>): Promise<void>;
  /** Adds folders and assets; bytes by path. */
  addAssets(assets: Readonly<Record<string, Uint8Array>>): Promise<void>;
  /** A download as a request makes it. @returns its path */
  request(input: DownloadRequestInput, user?: string): Promise<string>;
  /** All chunks of a step, one after another. @returns each chunk's output */
  run(step: AnyStep, payload: string, options?: RunOptions): Promise<StepOutput[]>;
  close(): Promise<void>;
}

const noMailer: Mailer = {
  render: () => Promise.reject(new Error('these steps send no mail')),
  available: () => Promise.resolve(true),
  deliver: () => Promise.reject(new Error('these steps send no mail')),
  retry: () => Promise.reject(new Error('these steps send no mail')),
};
const silent = () => undefined;

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'satchel-world-'));
  const repository = await openRepository({
    nodes: await createLevelNodeStore({ folder: join(folder, 'nodes') }),
    blobs: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }),
  });
  await bootstrapRepository(repository);
  const renderer = createRenderer({ childFile: await renderChildFile(), concurrency: 2 });
  const overlay = createOverlayResolver({ repository });
  const services: StepServices = {
    repository,
    blobs: repository.blobs,
    overlay,
    settings: createSettings({ overlay }),
    renderer,
    mailer: noMailer,
    externalUrl: () => 'http://localhost',
  };
  let downloads = 0;

  const world: World = {
    folder,
    repository,
    services,
    change: (work) =>
      repository.withSession(adminUser, async (session) => {
        await work(session);
        await session.save();
      }),
    addAssets: (assets) =>
      world.change(async (session) => {
        for (const [path, bytes] of Object.entries(assets)) {
          const slash = path.lastIndexOf('/');
          const parent = path.slice(0, slash);
          await session.ensureNode(parent, { primaryType: 'sling:OrderedFolder' }, 'sling:OrderedFolder');
          await createAsset(session, parent, path.slice(slash + 1), {
            binary: await session.createBinary(bytes),
            modified,
          });
        }
      }),
    async request(input, user = 'ada') {
      const id = `download-${(downloads += 1)}`;
      let path = '';
      await world.change(async (session) => {
        const request = parseDownloadRequest(input);
        const about = { id, workflowId: id, initiator: user, tenant: 'global', created: new Date(0) };
        path = await createDownload(session, { ...about, request });
      });
      return path;
    },
    async run(step, payload, { signal = new AbortController().signal, onProgress = silent, tenant = 'global' } = {}) {
      const input: StepInput = {
        step: { name: step.id.replace('/', '-'), id: step.id, major: 1, title: step.title, config: {}, layer: '/libs' },
        workflow: {
          id: payload.slice(payload.lastIndexOf('/') + 1),
          model: 'dam/download-asset',
          modelVersion: '1',
          request: '/var/workflow/requests/x',
          payload,
          tenant,
          initiator: 'ada',
        },
      };
      const log = { debug: silent, info: silent, warn: silent, error: silent };
      const attempt = { step, services, log, attempt: 1, signal, onProgress };
      if (!step.chunks) return [await runStep({ ...attempt, input })];
      const count = await countChunks({ ...attempt, input });
      const outputs: StepOutput[] = [];
      for (let index = 0; index < count; index += 1) {
        outputs.push(await runStep({ ...attempt, input: { ...input, chunk: { index, count } } }));
      }
      return outputs;
    },
    async close() {
      await renderer.close();
      await repository.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await world.change(async (session) => {
    await createUser(session, { id: 'ada', groups: ['dam-users'] });
    await createUser(session, { id: 'eve' });
  });
  return world;
}

/** Gives a folder a tenant with download settings. */
export async function addTenant(session: Session, name: string, folder: string, settings: JsonObject): Promise<void> {
  await session.ensureNode(folder, { primaryType: 'sling:OrderedFolder' }, 'sling:OrderedFolder');
  await session.addNode(`${folder}/jcr:content`, { properties: { 'sling:configRef': `/conf/${name}` } });
  await session.ensureNode(`/conf/${name}/settings/dam/download`);
  const properties = settings as Record<string, string | number>;
  await session.setProperties(`/conf/${name}/settings/dam/download`, properties);
}

/** A picture that differs by its seed. */
export async function picture(
  seed: number,
  width = 300,
  height = 200,
  format: 'jpeg' | 'png' = 'jpeg',
): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let index = 0; index < pixels.length; index += 1) pixels[index] = (index * (seed + 3) + seed * 40) & 255;
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}
