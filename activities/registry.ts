/** The steps this process can run: built-in ones and those of plugins, by id and major version. */
import { activityType } from '../workflows/contract/model.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { AnyStep } from './define-step.js';

export interface RegisteredStep {
  readonly step: AnyStep;
  /** The file that defines it, for people. */
  readonly file: string;
}

export interface StepRegistry {
  /** @throws SatchelError DUPLICATE_STEP naming both files */
  register(step: AnyStep, file: string): void;
  /** Forgets the steps of a file, before its newer version is registered. */
  unregister(file: string): void;
  get(id: string, major: number): AnyStep | undefined;
  /** The highest major version of a step. */
  newest(id: string): AnyStep | undefined;
  /** All steps, by id and major version. */
  list(): readonly RegisteredStep[];
}

export function majorOf(step: Pick<AnyStep, 'major'>): number {
  return step.major ?? 1;
}

export function createStepRegistry(): StepRegistry {
  const steps = new Map<string, RegisteredStep>();
  const keyOf = (step: AnyStep) => activityType({ id: step.id, major: majorOf(step) });
  const list = () =>
    [...steps.values()].sort(({ step: a }, { step: b }) =>
      a.id < b.id ? -1 : a.id > b.id ? 1 : majorOf(a) - majorOf(b),
    );
  return {
    register(step, file) {
      const key = keyOf(step);
      const existing = steps.get(key);
      if (existing) {
        throw new SatchelError(
          'DUPLICATE_STEP',
          `Step ${key} is defined twice: in ${existing.file} and in ${file}. Give one of them another id or major version.`,
          { details: { step: key, files: [existing.file, file] } },
        );
      }
      steps.set(key, { step, file });
    },
    unregister(file) {
      for (const [key, registered] of steps) {
        if (registered.file === file) steps.delete(key);
      }
    },
    get: (id, major) => steps.get(activityType({ id, major }))?.step,
    newest: (id) => list().findLast(({ step }) => step.id === id)?.step,
    list,
  };
}
