/**
 * Every command of `satchel`, in the order in which help lists them. Each is loaded when it is typed: what one of them needs
 * takes longer to load than most of the others take to run.
 */
import type { CommandDefinition } from './command.js';
import { readCommandLine } from './global-options.js';

const loaders: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  start: async () => (await import('./commands/start.js')).startCommand,
  dev: async () => (await import('./commands/dev.js')).devCommand,
  demo: async () => (await import('./commands/demo.js')).demoCommand,
  install: async () => (await import('./commands/install.js')).installCommand,
  'package list': async () => (await import('./commands/package-list.js')).packageListCommand,
  'package show': async () => (await import('./commands/package-show.js')).packageShowCommand,
  'package install': async () => (await import('./commands/package-install.js')).packageInstallCommand,
  'package uninstall': async () => (await import('./commands/package-uninstall.js')).packageUninstallCommand,
  'package build': async () => (await import('./commands/package-build.js')).packageBuildCommand,
  'package export': async () => (await import('./commands/package-export.js')).packageExportCommand,
  'package verify': async () => (await import('./commands/package-verify.js')).packageVerifyCommand,
  'sync pull': async () => (await import('./commands/sync-pull.js')).syncPullCommand,
  'sync push': async () => (await import('./commands/sync-push.js')).syncPushCommand,
  'sync diff': async () => (await import('./commands/sync-diff.js')).syncDiffCommand,
  'sync watch': async () => (await import('./commands/sync-watch.js')).syncWatchCommand,
  upload: async () => (await import('./commands/upload.js')).uploadCommand,
  tree: async () => (await import('./commands/tree.js')).treeCommand,
  get: async () => (await import('./commands/get.js')).getCommand,
  query: async () => (await import('./commands/query.js')).queryCommand,
  'index list': async () => (await import('./commands/index-list.js')).indexListCommand,
  'index rebuild': async () => (await import('./commands/index-rebuild.js')).indexRebuildCommand,
  'types list': async () => (await import('./commands/types-list.js')).typesListCommand,
  'types show': async () => (await import('./commands/types-show.js')).typesShowCommand,
  'types register': async () => (await import('./commands/types-register.js')).typesRegisterCommand,
  'versions list': async () => (await import('./commands/versions-list.js')).versionsListCommand,
  'versions create': async () => (await import('./commands/versions-create.js')).versionsCreateCommand,
  'versions restore': async () => (await import('./commands/versions-restore.js')).versionsRestoreCommand,
  'versions diff': async () => (await import('./commands/versions-diff.js')).versionsDiffCommand,
  'versions label': async () => (await import('./commands/versions-label.js')).versionsLabelCommand,
  'collection create': async () => (await import('./commands/collection-create.js')).collectionCreateCommand,
  'collection add': async () => (await import('./commands/collection-add.js')).collectionAddCommand,
  'collection list': async () => (await import('./commands/collection-list.js')).collectionListCommand,
  explain: async () => (await import('./commands/explain.js')).explainCommand,
  'settings list': async () => (await import('./commands/settings-list.js')).settingsListCommand,
  'settings get': async () => (await import('./commands/settings-get.js')).settingsGetCommand,
  'settings set': async () => (await import('./commands/settings-set.js')).settingsSetCommand,
  'settings reset': async () => (await import('./commands/settings-reset.js')).settingsResetCommand,
  'settings presets': async () => (await import('./commands/settings-presets.js')).settingsPresetsCommand,
  'tenant list': async () => (await import('./commands/tenant-list.js')).tenantListCommand,
  'tenant show': async () => (await import('./commands/tenant-show.js')).tenantShowCommand,
  'tenant create': async () => (await import('./commands/tenant-create.js')).tenantCreateCommand,
  'osgi list': async () => (await import('./commands/osgi-list.js')).osgiListCommand,
  'osgi show': async () => (await import('./commands/osgi-show.js')).osgiShowCommand,
  'osgi run-modes': async () => (await import('./commands/osgi-run-modes.js')).osgiRunModesCommand,
  'overlay set': async () => (await import('./commands/overlay-set.js')).overlaySetCommand,
  'overlay hide': async () => (await import('./commands/overlay-hide.js')).overlayHideCommand,
  'overlay restore': async () => (await import('./commands/overlay-restore.js')).overlayRestoreCommand,
  'overlay reset': async () => (await import('./commands/overlay-reset.js')).overlayResetCommand,
  'config get': async () => (await import('./commands/config-get.js')).configGetCommand,
  'config list': async () => (await import('./commands/config-list.js')).configListCommand,
  download: async () => (await import('./commands/download.js')).downloadCommand,
  'jobs list': async () => (await import('./commands/jobs-list.js')).jobsListCommand,
  'jobs show': async () => (await import('./commands/jobs-show.js')).jobsShowCommand,
  'jobs follow': async () => (await import('./commands/jobs-follow.js')).jobsFollowCommand,
  'jobs cancel': async () => (await import('./commands/jobs-cancel.js')).jobsCancelCommand,
  'mail list': async () => (await import('./commands/mail-list.js')).mailListCommand,
  'mail show': async () => (await import('./commands/mail-show.js')).mailShowCommand,
  'template preview': async () => (await import('./commands/template-preview.js')).templatePreviewCommand,
  'user add': async () => (await import('./commands/user-add.js')).userAddCommand,
  'user list': async () => (await import('./commands/user-list.js')).userListCommand,
  'repository check': async () => (await import('./commands/repository-check.js')).repositoryCheckCommand,
  'repository backup': async () => (await import('./commands/repository-backup.js')).repositoryBackupCommand,
  'repository verify': async () => (await import('./commands/repository-verify.js')).repositoryVerifyCommand,
  'repository restore': async () => (await import('./commands/repository-restore.js')).repositoryRestoreCommand,
  'repository collect': async () => (await import('./commands/repository-collect.js')).repositoryCollectCommand,
  'repository cursors': async () => (await import('./commands/repository-cursors.js')).repositoryCursorsCommand,
  'repository trim': async () => (await import('./commands/repository-trim.js')).repositoryTrimCommand,
  migrate: async () => (await import('./commands/migrate.js')).migrateCommand,
  'user password': async () => (await import('./commands/user-password.js')).userPasswordCommand,
  'user disable': async () => (await import('./commands/user-disable.js')).userDisableCommand,
  'user enable': async () => (await import('./commands/user-enable.js')).userEnableCommand,
  'group add': async () => (await import('./commands/group-add.js')).groupAddCommand,
  'group list': async () => (await import('./commands/group-list.js')).groupListCommand,
  'group members': async () => (await import('./commands/group-members.js')).groupMembersCommand,
  'permissions show': async () => (await import('./commands/permissions-show.js')).permissionsShowCommand,
  'permissions grant': async () => (await import('./commands/permissions-grant.js')).permissionsGrantCommand,
  'permissions deny': async () => (await import('./commands/permissions-deny.js')).permissionsDenyCommand,
};

/** Names of the commands that are a process of their own, as owner of a data folder or without one; no running owner takes them. */
export const residentCommands: readonly string[] = [
  'start',
  'dev',
  'demo',
  'repository verify',
  'repository restore',
  'migrate',
];

/** @param words what was typed, starting with the command's name */
export function isResident([first = '', second = '']: readonly string[]): boolean {
  return residentCommands.includes(first) || residentCommands.includes(`${first} ${second}`);
}

export function loadAllCommands(): Promise<CommandDefinition[]> {
  return Promise.all(Object.values(loaders).map(async (load) => load()));
}

/** The command that is typed; all of them where it takes all to answer: for help, and for a name that is none. */
export async function loadCommands(args: readonly string[]): Promise<readonly CommandDefinition[]> {
  const [first = '', second = ''] = readCommandLine(args, {})?.words ?? [];
  const name = [first, `${first} ${second}`].find((typed) => Object.hasOwn(loaders, typed));
  const load = name === undefined ? undefined : loaders[name];
  return load ? [await load()] : loadAllCommands();
}
