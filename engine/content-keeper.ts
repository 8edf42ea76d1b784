/** Keeps the content folders in the repository: imports them at start, and again when one of their files changes. */
import { watch, type FSWatcher } from 'chokidar';
import type { Logger } from 'pino';
import type { StepRegistry } from '../activities/registry.js';
import type { Repository } from '../repository/api.js';
import {
  importContentFolder,
  type ContentImportReport,
  type ContentMount,
} from '../repository/content/import-content-folder.js';
import type { OverlayResolver } from '../repository/overlay/api.js';
import { createContentCheck } from './check-content.js';
import { createRetryLoop } from './retry-loop.js';

export interface ContentKeeperOptions {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
  readonly registry: StepRegistry;
  readonly mounts: readonly ContentMount[];
  readonly log: Logger;
  /** After every import that changed something or found a problem. */
  readonly onReport?: (report: ContentImportReport) => void;
}

export interface ContentKeeper {
  /** Imports all folders. Problems of single files are in the reports (and logged); their last good version stays. */
  importAll(): Promise<ContentImportReport[]>;
  /** Imports a folder again when something in it changes, until closed. Resolves once it watches. */
  watch(): Promise<void>;
  close(): Promise<void>;
}

/** An editor writes a file in several steps, a checkout many files. */
const settleMs = 100;

export function createContentKeeper(options: ContentKeeperOptions): ContentKeeper {
  const { repository, overlay, registry, mounts, log } = options;
  const check = createContentCheck(overlay, registry);
  const changed = new Set<ContentMount>();
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function importMount(mount: ContentMount): Promise<ContentImportReport> {
    const report = await repository.withSession({ service: 'content-import' }, (session) =>
      importContentFolder({ ...mount, session, check }),
    );
    for (const { file, line, message } of report.problems) {
      log.error({ file, line }, `${file}:${line}: ${message}; the last good version stays in force`);
    }
    for (const edit of report.keptRepositoryEdits)
      log.warn({ edit }, 'edited in the repository: it wins over its file');
    const { target, imported, removed, problems } = report;
    if (imported.length + removed.length > 0) {
      log.info({ target, imported: imported.length, removed: removed.length }, 'content imported');
    }
    if (imported.length + removed.length + problems.length > 0) options.onReport?.(report);
    return report;
  }

  const loop = createRetryLoop(
    async () => {
      const now = [...changed];
      changed.clear();
      for (const mount of now) await importMount(mount);
      return 'done';
    },
    (error) => log.error({ err: error }, 'importing content failed'),
  );

  return {
    async importAll() {
      const reports: ContentImportReport[] = [];
      for (const mount of mounts) reports.push(await importMount(mount));
      return reports;
    },
    async watch() {
      if (watcher) return;
      const started = watch(
        mounts.map(({ folder }) => folder),
        { ignoreInitial: true },
      );
      watcher = started;
      started.on('all', (_event, path) => {
        for (const mount of mounts) if (path.startsWith(mount.folder)) changed.add(mount);
        clearTimeout(timer);
        timer = setTimeout(() => loop.wake(), settleMs);
      });
      await new Promise<void>((resolve) => started.once('ready', () => resolve()));
    },
    async close() {
      clearTimeout(timer);
      await watcher?.close();
      await loop.close();
    },
  };
}
