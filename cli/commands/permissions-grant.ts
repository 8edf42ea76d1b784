import { grant } from '../../repository/access/policy.js';
import { changePermissions, declarePermissions, permissionArguments } from '../change-permissions.js';
import { defineCommand } from '../command.js';

export const permissionsGrantCommand = defineCommand({
  name: 'permissions grant',
  summary: 'allows somebody something at a path and below',
  declare: declarePermissions,
  args: permissionArguments,
  run: async (context, args) => changePermissions(context, 'allow', grant, args),
});
