/** In development: the steps of plugins are loaded again when a file of theirs changes, without losing running instances. */
import type { Logger } from 'pino';
import type { StepRegistry } from '../activities/registry.js';
import { isIgnoredName } from '../repository/content/scan-folder.js';
import { watchContentFolders, type ContentWatch } from '../repository/content/watch-content-folders.js';
import { loadPlugin, registerPlugin, type LoadedPlugin } from './plugins.js';

export interface WatchPluginsOptions {
  readonly plugins: readonly LoadedPlugin[];
  readonly registry: StepRegistry;
  readonly log: Logger;
}

/** Looks twice within two seconds, in case that no event tells of a change. */
const sweepMilliseconds = 800;

export function watchPlugins({ plugins, registry, log }: WatchPluginsOptions): ContentWatch {
  return watchContentFolders({
    mounts: plugins.map(({ folder }) => ({ folder, target: '/' })),
    sweepMilliseconds,
    isIgnored: (name) => isIgnoredName(name) || name === 'node_modules',
    onChange: async ({ folder }) => {
      const plugin = await loadPlugin(folder);
      // The same code gives the same objects: a look that found nothing new says nothing.
      const known = new Set(registry.list().map(({ step }) => step));
      if (plugin.steps.every(({ step }) => known.has(step))) return;
      registerPlugin(registry, plugin);
      log.info({ plugin: plugin.name }, `loaded again: ${plugin.steps.map(({ step }) => step.id).join(', ')}`);
    },
    onError: (error) => log.error({ err: error }, 'the plugin keeps its last good version'),
  });
}
