/**
 * What the author of a store runs against it: `import { describeNodeStore } from 'satchel/conformance'` (docs/stores.md).
 * Nothing else of Satchel imports this folder; it needs vitest and fast-check, which are optional peers of the package.
 */
export { describeBlobStore } from './blob-store.js';
export { describeNodeStore } from './node-store.js';
export type { TestFunctions } from './test-functions.js';
