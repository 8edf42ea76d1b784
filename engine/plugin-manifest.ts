/** What a plugin says of itself in its package.json. */
import { z } from 'zod';

/** One path that cannot leave the plugin. */
const relativePath = z
  .string()
  .min(1)
  .refine((path) => !/^([/\\]|[a-z]:|.*\.\.([/\\]|$))/i.test(path), 'must be a path below the plugin’s folder');

const folders = z.array(relativePath).default([]);

export const pluginManifest = z.object({
  /** Of the package; its last part names the folder of `content` below /apps. */
  name: z.string().regex(/^(@[\w.-]+\/)?[\w][\w.-]*$/, 'must be the name of a package'),
  version: z.string().default(''),
  satchel: z.strictObject({
    apiVersion: z.literal(1, { error: 'must be 1, the only version of the plugin interface so far' }),
    steps: z.array(relativePath).default([]),
    /** Folders with `apps/` and `conf/`. */
    overlays: folders,
    /** Folders whose content goes below `/apps/<plugin>`. */
    content: folders,
    /** Folders of e-mail templates, workflow models and launchers, for every tenant that has none of that name. */
    templates: folders,
    models: folders,
    launchers: folders,
  }),
});

export type PluginManifest = z.output<typeof pluginManifest>;

/** Where the folders of a plugin go in the repository. */
export function pluginMounts({
  name,
  satchel,
}: PluginManifest): { readonly folder: string; readonly target: string }[] {
  const at = (paths: readonly string[], target: string) => paths.map((folder) => ({ folder, target }));
  return [
    ...at(satchel.content, `/apps/${name.split('/').at(-1) ?? name}`),
    ...at(satchel.templates, '/apps/settings/dam/workflow/notification/email'),
    ...at(satchel.models, '/apps/settings/workflow/models'),
    ...at(satchel.launchers, '/apps/settings/workflow/launchers'),
  ];
}
