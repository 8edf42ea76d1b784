/** Every command of `satchel`, in the order in which help lists them. */
import type { CommandDefinition } from './command.js';
import { demoCommand } from './commands/demo.js';
import { devCommand } from './commands/dev.js';
import { downloadCommand } from './commands/download.js';
import { explainCommand } from './commands/explain.js';
import { getCommand } from './commands/get.js';
import { installCommand } from './commands/install.js';
import { jobsCancelCommand } from './commands/jobs-cancel.js';
import { jobsFollowCommand } from './commands/jobs-follow.js';
import { jobsListCommand } from './commands/jobs-list.js';
import { jobsShowCommand } from './commands/jobs-show.js';
import { mailListCommand } from './commands/mail-list.js';
import { mailShowCommand } from './commands/mail-show.js';
import { startCommand } from './commands/start.js';
import { templatePreviewCommand } from './commands/template-preview.js';
import { treeCommand } from './commands/tree.js';
import { uploadCommand } from './commands/upload.js';
import { userAddCommand } from './commands/user-add.js';
import { userListCommand } from './commands/user-list.js';

export const commands: readonly CommandDefinition[] = [
  startCommand,
  devCommand,
  demoCommand,
  installCommand,
  uploadCommand,
  treeCommand,
  getCommand,
  explainCommand,
  downloadCommand,
  jobsListCommand,
  jobsShowCommand,
  jobsFollowCommand,
  jobsCancelCommand,
  mailListCommand,
  mailShowCommand,
  templatePreviewCommand,
  userAddCommand,
  userListCommand,
];
