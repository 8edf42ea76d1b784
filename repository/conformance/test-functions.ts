/** What a suite needs of vitest, handed in: nothing of Satchel imports a test runner when it runs. */
import type { describe, expect, it, onTestFinished } from 'vitest';

/** `import * as vitest from 'vitest'` is one. */
export interface TestFunctions {
  readonly describe: typeof describe;
  readonly it: typeof it;
  readonly expect: typeof expect;
  readonly onTestFinished: typeof onTestFinished;
}
