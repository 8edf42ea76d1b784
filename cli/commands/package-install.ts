import { defineInstallCommand } from '../install-package.js';

export const packageInstallCommand = defineInstallCommand('package install');
