/** A step as programs read it: forms and validation go by its schemas. */
import { z } from 'zod';
import { majorOf, type RegisteredStep } from '../activities/registry.js';

export interface StepDocument {
  readonly id: string;
  readonly major: number;
  readonly title: string;
  readonly description: string;
  readonly file: string;
  readonly local: boolean;
  /** JSON Schema (draft 2020-12) of what a model may write; parts that it cannot say allow anything. */
  readonly config: object;
  /** JSON Schema of what the step answers. */
  readonly result: object;
  readonly examples: readonly { readonly title: string; readonly config: unknown }[];
}

export function stepDocument({ step, file }: RegisteredStep): StepDocument {
  return {
    id: step.id,
    major: majorOf(step),
    title: step.title,
    description: step.description,
    file,
    local: step.local ?? false,
    config: z.toJSONSchema(step.config, { io: 'input', unrepresentable: 'any' }),
    result: z.toJSONSchema(step.result, { io: 'output', unrepresentable: 'any' }),
    examples: step.examples,
  };
}
