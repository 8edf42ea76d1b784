import { describe, expect, it } from 'vitest';
import { readConfigurationOverrides } from '../../engine/configuration-overrides.js';

describe('overrides of configurations from the environment', () => {
  it('are the lines of all variables, in the order of their names', () => {
    const overrides = readConfigurationOverrides({
      SATCHEL_CONFIG_OVERRIDE_B: '[/content/x]mail/b=2',
      SATCHEL_CONFIG_OVERRIDE: 'mail/a=1\n\n  list/item={"n": 1}  \n',
      SATCHEL_CONFIG_OVERRIDES: 'not one of them',
      SATCHEL_DATA: '/data',
    });
    expect(overrides.map(({ name, contextPath, isWhole }) => [name, contextPath, isWhole])).toEqual([
      ['mail', undefined, false],
      ['list/item', undefined, true],
      ['mail', '/content/x', false],
    ]);
  });

  it('that are wrong are refused, naming the variable', () => {
    expect(() => readConfigurationOverrides({ SATCHEL_CONFIG_OVERRIDE_X: 'mail/a=1\nmail/b=' })).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIGURATION',
        message: expect.stringMatching(/^SATCHEL_CONFIG_OVERRIDE_X: .*mail\/b/) as string,
      }),
    );
  });
});
