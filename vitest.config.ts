import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Plugins and stores import the published names; in this checkout these are the source.
    alias: {
      'satchel/conformance': fileURLToPath(new URL('./repository/conformance/conformance.ts', import.meta.url)),
      'satchel/sdk': fileURLToPath(new URL('./activities/sdk.ts', import.meta.url)),
      'satchel/stores': fileURLToPath(new URL('./repository/stores.ts', import.meta.url)),
    },
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    pool: 'forks',
    // Two files at a time: several start a Temporal server, which wants a core of its own.
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // What is polled for happens at once or never; a busy machine takes its time.
    expect: { poll: { timeout: 30_000 } },
    globalSetup: ['test/support/global-setup.ts'],
  },
});
