/**
 * What a plugin imports: `import { defineStep, z } from 'satchel/sdk'`. Everything here follows semantic versioning
 * (docs/steps.md); nothing else of Satchel is meant for plugins.
 */
export { z } from 'zod';
export { defineStep } from './define-step.js';
export type { StepContext, StepDefinition, StepExample, StepLogger, StepServices } from './define-step.js';
export { testExamples, testStep } from './test-step.js';
export type { StepTest, StepTestResult } from './test-step.js';
export { SatchelError } from '../workflows/contract/errors.js';
export type { ErrorCode } from '../workflows/contract/errors.js';
export type { JsonObject, JsonValue, StepProgress } from '../workflows/contract/model.js';
export type { EntryOutcome, PlanEntry, PlannedBlob } from '../workflows/contract/plan.js';
export type { CurrentEntry, DownloadJob } from '../dam/download-job.js';
export type { RepositoryNode, Session } from '../repository/api.js';
