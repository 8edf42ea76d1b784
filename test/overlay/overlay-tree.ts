/** Random layers, for rules that hold whatever they look like. */
import fc from 'fast-check';
import type { TreeInput } from './layer-tree.js';

const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const hideList = fc.array(fc.constantFrom('*', 'a', 'b', 'p', '!a', '!p', '!!a', '!!!a'), {
  minLength: 1,
  maxLength: 3,
});

/** Trees of a few names only, so that layers meet often, with every directive on every level. */
export function overlayTree(depth: number): fc.Arbitrary<TreeInput> {
  return fc
    .record({
      hideResource: rarely(fc.boolean()),
      hideProperties: rarely(hideList),
      hideChildren: rarely(hideList),
      orderBefore: rarely(fc.constantFrom('a', 'b', 'c', 'missing')),
      properties: fc.dictionary(fc.constantFrom('p', 'q', '!p'), fc.nat(9), { maxKeys: 2 }),
      // Properties and children have different names: one plain object holds both.
      names: fc.shuffledSubarray(depth === 0 ? [] : ['a', 'b', 'c', '!a']),
      children: fc.array(depth === 0 ? fc.constant({}) : overlayTree(depth - 1), { minLength: 4, maxLength: 4 }),
    })
    .map(({ hideResource, hideProperties, hideChildren, orderBefore, properties, names, children }) => ({
      ...(hideResource !== undefined && { 'sling:hideResource': hideResource }),
      ...(hideProperties && { 'sling:hideProperties': hideProperties }),
      ...(hideChildren && { 'sling:hideChildren': hideChildren }),
      ...(orderBefore !== undefined && { 'sling:orderBefore': orderBefore }),
      ...properties,
      ...Object.fromEntries(names.map((name, index) => [name, children[index] ?? {}])),
    }));
}
