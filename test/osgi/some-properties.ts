/** Random configurations, for tests that write and read them. */
import fc from 'fast-check';
import type { OsgiProperty, OsgiValue } from '../../repository/osgi/configuration.js';

export type Written = Omit<OsgiProperty, 'line'>;

const text = fc.string({
  unit: fc.oneof(fc.constantFrom(...Array.from(' ="\\[](),#\n\r\t:/~é日')), fc.string({ maxLength: 1 })),
  maxLength: 12,
});
const whole = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const valueOf: Readonly<Record<OsgiProperty['type'], fc.Arbitrary<OsgiValue>>> = {
  String: text,
  Integer: whole(32),
  Long: long.map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
  Float: fc.float(),
  Double: fc.double(),
  Byte: whole(8),
  Short: whole(16),
  Character: fc.constantFrom('a', ' ', '"', '\\', '=', '\n', 'é'),
  Boolean: fc.boolean(),
};

const property = fc
  .record({
    name: fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019_-. ')), minLength: 1, maxLength: 8 }),
    type: fc.constantFrom(...(Object.keys(valueOf) as OsgiProperty['type'][])),
    shape: fc.constantFrom('scalar' as const, 'array' as const, 'collection' as const),
  })
  .chain((head) =>
    fc
      .array(valueOf[head.type], head.shape === 'scalar' ? { minLength: 1, maxLength: 1 } : { maxLength: 4 })
      .map((values): Written => ({
        ...head,
        // An empty collection has no first element that would say its type.
        type: head.shape === 'collection' && values.length === 0 ? 'String' : head.type,
        values,
      })),
  );

export const someProperties = fc.uniqueArray(property, {
  selector: ({ name }) => name.toLowerCase(),
  maxLength: 6,
});
