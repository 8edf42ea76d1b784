import * as vitest from 'vitest';
import { describeBlobStore } from '../../repository/conformance/blob-store.js';
import { describeNodeStore } from '../../repository/conformance/node-store.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

describeNodeStore('memory', async () => createMemoryNodeStore(), vitest);
describeBlobStore('memory', async () => createMemoryBlobStore(), vitest);
