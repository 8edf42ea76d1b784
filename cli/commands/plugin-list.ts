import { z } from 'zod';
import { discoverPlugins, inspectPlugin, pluginFolders, type InstalledPlugin } from '../../engine/discover-plugins.js';
import { packageRoot } from '../../package-root.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { safeText, table } from '../output/text.js';

export const pluginListCommand = defineCommand({
  name: 'plugin list',
  summary:
    'lists the plugins that are installed, and whether the configuration allows and this process has loaded them',
  args: z.object({}),
  run: async (context): Promise<ExitCode> => {
    const { dataFolder, plugins } = context.satchel;
    const installed = new Map<string, InstalledPlugin>();
    for (const plugin of await discoverPlugins(pluginFolders(dataFolder, packageRoot)))
      installed.set(plugin.folder, plugin);
    for (const { folder } of plugins) {
      const plugin = await inspectPlugin(folder);
      if (plugin) installed.set(folder, plugin);
    }
    const listed = [...installed.values()].map(({ name, version, folder, problem }) => {
      const loaded = plugins.find((plugin) => plugin.folder === folder);
      return {
        name,
        version,
        folder,
        // What the configuration names is loaded: where one does not load, the process does not start.
        allowed: loaded !== undefined,
        loaded: loaded !== undefined,
        steps: loaded?.steps.map(({ step }) => step.id) ?? [],
        ...(problem !== undefined && { problem }),
      };
    });
    const rows = listed.map(({ name, version, loaded, folder, steps, problem }) => [
      name,
      version,
      loaded ? 'loaded' : 'not allowed',
      steps.join(', '),
      folder,
      problem ?? '',
    ]);
    await answer(
      context,
      { plugins: listed },
      rows.length === 0 ? ['no plugins'] : table(rows.map((row) => row.map(safeText))),
    );
    return 0;
  },
});
