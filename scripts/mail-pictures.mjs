#!/usr/bin/env node
/**
 * Pictures of every built-in mail to look at: `node scripts/mail-pictures.mjs FOLDER [LOCALE]`. Needs Chromium on the PATH.
 * One PNG for each template, tenant and appearance: its sample and its very long names, at desktop and phone width.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const [folder, locale = 'de'] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Name a folder: node scripts/mail-pictures.mjs FOLDER [LOCALE]');
  process.exit(2);
}
const { status } = spawnSync('npx', ['vitest', 'run', 'test/mail/mail-pages.test.ts', '-t', 'takes pictures'], {
  stdio: 'inherit',
  env: { ...process.env, SATCHEL_MAIL_PICTURES: path.resolve(folder), SATCHEL_MAIL_LOCALE: locale },
});
process.exit(status ?? 1);
