/** Calls back when files of content folders changed and are completely written. */
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { folderSignature, isIgnoredName } from './scan-folder.js';
import type { ContentMount } from './import-content-folder.js';

export interface ContentWatch {
  /** Resolves once changes are seen. */
  readonly ready: Promise<void>;
  /** No callback starts any more; resolves when the running ones are done. */
  close(): Promise<void>;
}

export interface WatchContentOptions<Mount extends ContentMount> {
  readonly mounts: readonly Mount[];
  /** Imports the folder again. Never runs twice at once; changes meanwhile lead to one more call. */
  readonly onChange: (mount: Mount) => Promise<void>;
  /** What `onChange` or the watching itself threw. */
  readonly onError: (error: unknown, mount: Mount) => void;
  /** Milliseconds without a further change before the call; also how long a file's size must stay the same. */
  readonly settleMilliseconds?: number;
  /** Milliseconds between two looks at names, sizes and times of the files, for changes that no event tells. Default 2,000. */
  readonly sweepMilliseconds?: number;
  /** Names of files and folders whose changes do not count. Default: those that are no content. */
  readonly isIgnored?: (name: string) => boolean;
}

export function watchContentFolders<Mount extends ContentMount>({
  mounts,
  onChange,
  onError,
  settleMilliseconds = 100,
  sweepMilliseconds = 2_000,
  isIgnored = isIgnoredName,
}: WatchContentOptions<Mount>): ContentWatch {
  const closed = new AbortController();
  // One import at a time over all folders: they may build on each other.
  let queue = Promise.resolve();
  const watchers = mounts.map((mount) => {
    let timer: NodeJS.Timeout | undefined;
    let sweepTimer: NodeJS.Timeout | undefined;
    /** How the folder looked when it was last imported; before the first look nothing is known. */
    let imported: string | undefined;
    let looked: string | undefined;
    const watcher = watch(mount.folder, {
      ignoreInitial: true,
      followSymlinks: false,
      ignored: (path) => path !== mount.folder && isIgnored(basename(path)),
      awaitWriteFinish: { stabilityThreshold: settleMilliseconds, pollInterval: 20 },
    });
    const run = async () => {
      if (closed.signal.aborted) return;
      // Before the files are read: what changes meanwhile is seen by the next look.
      imported = await folderSignature(mount.folder, isIgnored);
      try {
        await onChange(mount);
      } catch (error) {
        onError(error, mount);
      }
    };
    const schedule = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = undefined;
        queue = queue.then(run);
      }, settleMilliseconds);
    };
    // Events come late or never from network and container file systems, from a folder that is a link, and now and then
    // from a folder that was just made.
    const sweep = async () => {
      await queue;
      const started = performance.now();
      const now = await folderSignature(mount.folder, isIgnored);
      if (closed.signal.aborted) return;
      const isChanged = now !== imported && timer === undefined;
      // A second look tells whether it is still being written.
      const isSettled = now === looked;
      looked = now;
      if (isChanged && isSettled) schedule();
      const pause = isChanged && !isSettled ? settleMilliseconds : sweepMilliseconds;
      // A folder with very many files is looked at less often, so that looking stays cheap.
      sweepTimer = setTimeout(() => void sweep(), Math.max(pause, 50 * (performance.now() - started)));
    };
    sweepTimer = setTimeout(() => void sweep(), sweepMilliseconds);
    watcher.on('all', schedule);
    watcher.on('error', (error) => onError(error, mount));
    closed.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      clearTimeout(sweepTimer);
    });
    return watcher;
  });
  return {
    ready: Promise.all(
      watchers.map(
        (watcher) =>
          new Promise<void>((resolve) => {
            watcher.once('ready', resolve);
          }),
      ),
    ).then(() => undefined),
    close: async () => {
      closed.abort();
      await Promise.all(watchers.map((watcher) => watcher.close()));
      await queue;
    },
  };
}
