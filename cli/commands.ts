/**
 * Every command of `satchel`, in the order in which help lists them. Each is loaded when it is typed: what one of them needs
 * takes longer to load than most of the others take to run.
 */
import type { CommandDefinition } from './command.js';
import { readCommandLine } from './global-options.js';

const loaders: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  start: async () => (await import('./commands/start.js')).startCommand,
  worker: async () => (await import('./commands/worker.js')).workerCommand,
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
  'launcher list': async () => (await import('./commands/launcher-list.js')).launcherListCommand,
  'launcher status': async () => (await import('./commands/launcher-status.js')).launcherStatusCommand,
  'launcher test': async () => (await import('./commands/launcher-test.js')).launcherTestCommand,
  'step list': async () => (await import('./commands/step-list.js')).stepListCommand,
  'step show': async () => (await import('./commands/step-show.js')).stepShowCommand,
  'plugin list': async () => (await import('./commands/plugin-list.js')).pluginListCommand,
  'plugin new': async () => (await import('./commands/plugin-new.js')).pluginNewCommand,
  'workflow models': async () => (await import('./commands/workflow-models.js')).workflowModelsCommand,
  'workflow show-model': async () => (await import('./commands/workflow-show-model.js')).workflowShowModelCommand,
  'workflow validate': async () => (await import('./commands/workflow-validate.js')).workflowValidateCommand,
  'workflow start': async () => (await import('./commands/workflow-start.js')).workflowStartCommand,
  'workflow list': async () => (await import('./commands/workflow-list.js')).workflowListCommand,
  'workflow show': async () => (await import('./commands/workflow-show.js')).workflowShowCommand,
  'workflow follow': async () => (await import('./commands/workflow-follow.js')).workflowFollowCommand,
  'workflow pause': async () => (await import('./commands/workflow-pause.js')).workflowPauseCommand,
  'workflow resume': async () => (await import('./commands/workflow-resume.js')).workflowResumeCommand,
  'workflow cancel': async () => (await import('./commands/workflow-cancel.js')).workflowCancelCommand,
  'workflow terminate': async () => (await import('./commands/workflow-terminate.js')).workflowTerminateCommand,
  'workflow retry': async () => (await import('./commands/workflow-retry.js')).workflowRetryCommand,
  'workflow rerun': async () => (await import('./commands/workflow-rerun.js')).workflowRerunCommand,
  'workflow comment': async () => (await import('./commands/workflow-comment.js')).workflowCommentCommand,
  'workflow answer': async () => (await import('./commands/workflow-answer.js')).workflowAnswerCommand,
  'workflow simulate': async () => (await import('./commands/workflow-simulate.js')).workflowSimulateCommand,
  'workflow check-running': async () =>
    (await import('./commands/workflow-check-running.js')).workflowCheckRunningCommand,
  'inbox list': async () => (await import('./commands/inbox-list.js')).inboxListCommand,
  'inbox show': async () => (await import('./commands/inbox-show.js')).inboxShowCommand,
  'inbox complete': async () => (await import('./commands/inbox-complete.js')).inboxCompleteCommand,
  'inbox delegate': async () => (await import('./commands/inbox-delegate.js')).inboxDelegateCommand,
  'inbox return': async () => (await import('./commands/inbox-return.js')).inboxReturnCommand,
  'mail list': async () => (await import('./commands/mail-list.js')).mailListCommand,
  'mail retry': async () => (await import('./commands/mail-retry.js')).mailRetryCommand,
  'mail show': async () => (await import('./commands/mail-show.js')).mailShowCommand,
  'template list': async () => (await import('./commands/template-list.js')).templateListCommand,
  'template show': async () => (await import('./commands/template-show.js')).templateShowCommand,
  'template customise': async () => (await import('./commands/template-customise.js')).templateCustomiseCommand,
  'template edit': async () => (await import('./commands/template-edit.js')).templateEditCommand,
  'template diff': async () => (await import('./commands/template-diff.js')).templateDiffCommand,
  'template discard': async () => (await import('./commands/template-discard.js')).templateDiscardCommand,
  'template preview': async () => (await import('./commands/template-preview.js')).templatePreviewCommand,
  'template send-test': async () => (await import('./commands/template-send-test.js')).templateSendTestCommand,
  'template publish': async () => (await import('./commands/template-publish.js')).templatePublishCommand,
  'template history': async () => (await import('./commands/template-history.js')).templateHistoryCommand,
  'template rollback': async () => (await import('./commands/template-rollback.js')).templateRollbackCommand,
  'template upstream': async () => (await import('./commands/template-upstream.js')).templateUpstreamCommand,
  'user add': async () => (await import('./commands/user-add.js')).userAddCommand,
  'user list': async () => (await import('./commands/user-list.js')).userListCommand,
  'user set': async () => (await import('./commands/user-set.js')).userSetCommand,
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
  'worker',
  'dev',
  'demo',
  'plugin new',
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
