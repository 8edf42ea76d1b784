/** Calls back when files of content folders changed and are completely written. */
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { isIgnoredName } from './scan-folder.js';
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
}

export function watchContentFolders<Mount extends ContentMount>({
  mounts,
  onChange,
  onError,
  settleMilliseconds = 100,
}: WatchContentOptions<Mount>): ContentWatch {
  const closed = new AbortController();
  // One import at a time over all folders: they may build on each other.
  let queue = Promise.resolve();
  const watchers = mounts.map((mount) => {
    let timer: NodeJS.Timeout | undefined;
    const watcher = watch(mount.folder, {
      ignoreInitial: true,
      followSymlinks: false,
      ignored: (path) => path !== mount.folder && isIgnoredName(basename(path)),
      awaitWriteFinish: { stabilityThreshold: settleMilliseconds, pollInterval: 20 },
    });
    const run = async () => {
      if (closed.signal.aborted) return;
      try {
        await onChange(mount);
      } catch (error) {
        onError(error, mount);
      }
    };
    watcher.on('all', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        queue = queue.then(run);
      }, settleMilliseconds);
    });
    watcher.on('error', (error) => onError(error, mount));
    closed.signal.addEventListener('abort', () => clearTimeout(timer));
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
