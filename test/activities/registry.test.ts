import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { createStepRegistry } from '../../activities/registry.js';
import { SatchelError } from '../../workflows/contract/errors.js';

const step = (id: string, major?: number) =>
  defineStep({
    id,
    ...(major !== undefined && { major }),
    title: id,
    description: '',
    config: z.strictObject({}),
    result: z.null(),
    examples: [],
    run: () => Promise.resolve(null),
  });

describe('the step registry', () => {
  it('refuses the same step and major version twice, naming both files', () => {
    const registry = createStepRegistry();
    registry.register(step('acme/stamp'), '/one/stamp.ts');
    registry.register(step('acme/stamp', 2), '/two/stamp.ts');
    expect(() => registry.register(step('acme/stamp', 1), '/three/stamp.ts')).toThrow(
      new SatchelError(
        'DUPLICATE_STEP',
        'Step acme/stamp@1 is defined twice: in /one/stamp.ts and in /three/stamp.ts. Give one of them another id or major version.',
        { details: { step: 'acme/stamp@1', files: ['/one/stamp.ts', '/three/stamp.ts'] } },
      ),
    );
  });

  it('finds a step by major version, the newest by its number, and lists in that order', () => {
    const registry = createStepRegistry();
    for (const major of [10, 9, 1]) registry.register(step('acme/stamp', major), `/v${major}.ts`);
    registry.register(step('acme/border'), '/border.ts');
    expect(registry.get('acme/stamp', 9)?.major).toBe(9);
    expect(registry.get('acme/stamp', 2)).toBeUndefined();
    expect(registry.newest('acme/stamp')?.major).toBe(10);
    expect(registry.newest('acme/none')).toBeUndefined();
    expect(registry.list().map(({ file }) => file)).toEqual(['/border.ts', '/v1.ts', '/v9.ts', '/v10.ts']);
  });

  it('forgets the steps of one file only', () => {
    const registry = createStepRegistry();
    registry.register(step('acme/stamp'), '/a.ts');
    registry.register(step('acme/border'), '/b.ts');
    registry.unregister('/a.ts');
    expect(registry.list().map(({ file }) => file)).toEqual(['/b.ts']);
  });
});
