import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { describeBlobStore } from './blob-store-conformance.js';
import { describeNodeStore } from './node-store-conformance.js';

describeNodeStore('memory', async () => createMemoryNodeStore());
describeBlobStore('memory', async () => createMemoryBlobStore());
