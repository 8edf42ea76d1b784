/** A repository to try workflows in: it shows what the real one holds, and is thrown away with all that was written to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepServices } from '../../activities/define-step.js';
import type { SentMail } from '../../activities/mail/mailer.js';
import type { MailTransport } from '../../activities/mail/transport.js';
import type { Repository } from '../../repository/api.js';
import { openRepository, type RepositoryOptions, type RepositoryStores } from '../../repository/repository.js';
import { createFilesystemBlobStore } from '../../repository/store/filesystem/filesystem-blob-store.js';
import { createScratchBlobStore } from '../../repository/store/scratch/scratch-blob-store.js';
import { createScratchNodeStore } from '../../repository/store/scratch/scratch-node-store.js';

/** What a trial is made of; compose.ts knows it. */
export interface TrialOptions {
  readonly stores: RepositoryStores;
  readonly repositoryOptions?: RepositoryOptions;
  /** The services of steps over another repository, with mail going where it is told to. */
  readonly servicesOver: (repository: Repository, transport: MailTransport, temporaryFolder: string) => StepServices;
  /** Where files of a trial lie while it lasts. Default: the system's. */
  readonly temporaryFolder?: string;
}

export interface Trial {
  /** Their mailer composes mails and sends none. */
  readonly services: StepServices;
  /** The mails composed since the last call. */
  takeMails(): readonly SentMail[];
  close(): Promise<void>;
}

const goesNowhere: MailTransport = {
  send: async () => ({ response: '250 composed, not sent' }),
  close: async () => undefined,
};

export async function openTrial({ stores, servicesOver, ...options }: TrialOptions): Promise<Trial> {
  const folder = await mkdtemp(join(options.temporaryFolder ?? tmpdir(), 'satchel-trial-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const repository = await openRepository(
      {
        nodes: createScratchNodeStore({ base: await stores.nodes.snapshot() }),
        blobs: createScratchBlobStore({
          upper: await createFilesystemBlobStore({ folder: join(folder, 'blobs') }),
          lower: stores.blobs,
        }),
      },
      options.repositoryOptions,
    );
    const services = servicesOver(repository, goesNowhere, folder);
    let mails: SentMail[] = [];
    const { mailer } = services;
    return {
      services: {
        ...services,
        mailer: {
          ...mailer,
          deliver: async (...order) => {
            const composed = await mailer.deliver(...order);
            mails.push(...composed);
            return composed;
          },
        },
      },
      takeMails: () => {
        const taken = mails;
        mails = [];
        return taken;
      },
      async close() {
        await repository.close();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}
