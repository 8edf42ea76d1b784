import { deny } from '../../repository/access/policy.js';
import { changePermissions, declarePermissions, permissionArguments } from '../change-permissions.js';
import { defineCommand } from '../command.js';

export const permissionsDenyCommand = defineCommand({
  name: 'permissions deny',
  summary: 'denies somebody something at a path and below',
  declare: declarePermissions,
  args: permissionArguments,
  run: async (context, args) => changePermissions(context, 'deny', deny, args),
});
