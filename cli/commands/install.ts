import { defineInstallCommand } from '../install-package.js';

export const installCommand = defineInstallCommand('install');
