/** Keeps the content folders in the repository: imports them at start, and again when one of their files changes. */
import type { Logger } from 'pino';
import type { StepRegistry } from '../activities/registry.js';
import type { Repository, Session } from '../repository/api.js';
import { changeContent, type ContentChange, type WrittenChange } from '../repository/content/change-content.js';
import {
  importContentFolder,
  removeAbandonedContent,
  type ContentCheck,
  type ContentImportReport,
  type ContentMount,
} from '../repository/content/import-content-folder.js';
import { watchContentFolders, type ContentWatch } from '../repository/content/watch-content-folders.js';
import type { PlaceholderSource } from '../repository/osgi/placeholders.js';
import type { OverlayResolver } from '../repository/overlay/api.js';
import { createContentCheck } from './check-content.js';

export interface ContentKeeperOptions {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
  readonly registry: StepRegistry;
  /** Of OSGi configurations (check-content.ts). */
  readonly placeholders?: PlaceholderSource;
  readonly mounts: readonly ContentMount[];
  readonly log: Logger;
  /** After every import that changed something or found a problem. */
  readonly onReport?: (report: ContentImportReport) => void;
}

export interface ContentKeeper {
  /** Takes out what folders that are no longer named have left, then imports all others. Problems of single files are in the reports (and logged); their last good version stays. */
  importAll(): Promise<ContentImportReport[]>;
  /**
   * Changes content where it lives: in its file where a content folder has it, else in the repository; what changes passes the
   * check that an edited file passes before it comes into force, and one of the caller's.
   * @param session without unsaved changes; its rights count
   * @returns where each change went @throws as `changeContent`
   */
  change(
    session: Session,
    changes: readonly ContentChange[],
    checkChanged?: ContentCheck,
  ): Promise<readonly WrittenChange[]>;
  /** Imports a folder again when something in it changes, until closed. Resolves once it watches. */
  watch(): Promise<void>;
  close(): Promise<void>;
}

export function createContentKeeper(options: ContentKeeperOptions): ContentKeeper {
  const { repository, overlay, registry, placeholders, mounts, log } = options;
  /** What was said already: a check may look at the same file several times. */
  let remarked = new Set<string>();
  const check = createContentCheck({
    overlay,
    registry,
    ...(placeholders && { placeholders }),
    onRemark: ({ file, line, message }) => {
      const text = `${file}:${line}: ${message}`;
      if (!remarked.has(text)) log.warn({ file, line }, text);
      remarked.add(text);
    },
  });
  let watching: ContentWatch | undefined;

  async function importMount(mount: ContentMount): Promise<ContentImportReport> {
    remarked = new Set();
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

  return {
    async importAll() {
      const reports = await repository.withSession({ service: 'content-import' }, (session) =>
        removeAbandonedContent(session, mounts),
      );
      for (const { target, removed } of reports) log.info({ target, removed: removed.length }, 'content taken out');
      for (const mount of mounts) reports.push(await importMount(mount));
      return reports;
    },
    change: (session, changes, checkChanged) =>
      changeContent({
        session,
        mounts,
        changes,
        check: async (changed, seen) => [
          ...((await checkChanged?.(changed, seen)) ?? []),
          ...(await check(changed, seen)),
        ],
        importMount,
      }),
    async watch() {
      watching ??= watchContentFolders({
        mounts,
        onChange: async (mount) => {
          await importMount(mount);
        },
        onError: (error, { folder }) => log.error({ err: error, folder }, 'importing content failed'),
      });
      await watching.ready;
    },
    async close() {
      await watching?.close();
    },
  };
}
