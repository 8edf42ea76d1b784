/** In development: the steps of plugins are loaded again when a file of theirs changes, without losing running instances. */
import { basename } from 'node:path';
import { watch } from 'chokidar';
import type { Logger } from 'pino';
import type { StepRegistry } from '../activities/registry.js';
import { loadPlugin, registerPlugin, type LoadedPlugin } from './plugins.js';
import { createRetryLoop } from './retry-loop.js';

export interface WatchPluginsOptions {
  readonly plugins: readonly LoadedPlugin[];
  readonly registry: StepRegistry;
  readonly log: Logger;
}

/** An editor writes a file in several steps. */
const settleMs = 100;

export interface PluginWatch {
  /** Resolves once changes are seen. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export function watchPlugins({ plugins, registry, log }: WatchPluginsOptions): PluginWatch {
  const changed = new Set<LoadedPlugin>();
  let timer: NodeJS.Timeout | undefined;
  const loop = createRetryLoop(
    async () => {
      const now = [...changed];
      changed.clear();
      for (const { folder } of now) {
        try {
          const plugin = await loadPlugin(folder);
          registerPlugin(registry, plugin);
          log.info({ plugin: plugin.name }, `loaded again: ${plugin.steps.map(({ step }) => step.id).join(', ')}`);
        } catch (error) {
          log.error({ err: error }, 'the plugin keeps its last good version');
        }
      }
      return 'done';
    },
    (error) => log.error({ err: error }, 'loading a plugin again failed'),
  );
  const watchers = plugins.map((plugin) =>
    watch(plugin.folder, {
      ignoreInitial: true,
      ignored: (path) => ['node_modules', '.git'].includes(basename(path)),
    }).on('all', () => {
      changed.add(plugin);
      clearTimeout(timer);
      timer = setTimeout(() => loop.wake(), settleMs);
    }),
  );
  const ready = Promise.all(
    watchers.map((watcher) => new Promise<void>((resolve) => void watcher.once('ready', () => resolve()))),
  ).then(() => undefined);
  return {
    ready,
    async close() {
      clearTimeout(timer);
      await Promise.all(watchers.map(async (watcher) => watcher.close()));
      await loop.close();
    },
  };
}
