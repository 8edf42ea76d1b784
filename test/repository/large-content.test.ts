/** Content of unusual size: it works in batches, or is refused with the limit. */
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { backends, openFor, sessionOf } from './world.js';

const childCount = 100_000;
const batch = 5000;
const mebibyte = 1024 * 1024;

/** The bounds are those of the repository, not of a store, and filling takes long. */
describe.each(Object.entries(backends).filter(([name]) => name.startsWith('LevelDB')))(
  'large content on %s',
  (_name, open) => {
    it.each(['nt:unstructured', 'sling:Folder'])(
      '%s with 100,000 children is filled and listed in batches',
      async (type) => {
        const session = await sessionOf(await openFor(open));
        await session.addNode('/many', { primaryType: type });
        await session.save();
        for (let index = 0; index < childCount; index++) {
          // Descending, so that neither order is the one they come in.
          await session.addNode(childPath(childCount - index), { primaryType: 'sling:Folder' });
          if ((index + 1) % batch === 0) await session.save();
        }
        // The last of them: where children have an order, only placing it first makes it so.
        if (type === 'nt:unstructured') {
          await session.orderBefore(childPath(1), nameOf(childCount));
          await session.save();
        }
        const expected = type === 'sling:Folder' ? ascending() : [1, ...ascending().reverse().slice(0, -1)];
        expect(await numbersOf(session)).toEqual(expected);

        for (let number = 1; number <= childCount; number += 100) await session.remove(childPath(number));
        await session.save();
        expect(await numbersOf(session)).toEqual(expected.filter((number) => number % 100 !== 1));
      },
    );

    it('a text of 64 MiB is kept, and more than a node can hold is refused with the limit', async () => {
      const repository = await openFor(open);
      const session = await sessionOf(repository);
      const text = 'ü'.repeat(32 * mebibyte);
      await session.addNode('/text', { properties: { text } });
      await session.save();
      // Compared as one answer: a difference must not print the text.
      expect((await (await sessionOf(repository)).getNode('/text')).text('text') === text).toBe(true);

      await session.setProperties('/text', { more: 'x'.repeat(49 * mebibyte) });
      await expect(session.save()).rejects.toMatchObject({
        code: 'INVALID_VALUE',
        paths: ['/text'],
        message: expect.stringContaining(String(80 * mebibyte)) as string,
      });
      await session.refresh();
      expect((await session.getNode('/text')).property('more')).toBeUndefined();
    });
  },
);

function nameOf(number: number): string {
  return `n${String(number).padStart(6, '0')}`;
}

function childPath(number: number): string {
  return `/many/${nameOf(number)}`;
}

function ascending(): number[] {
  return Array.from({ length: childCount }, (_, index) => index + 1);
}

async function numbersOf(session: Session): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { name } of session.children('/many')) numbers.push(Number(name.slice(1)));
  return numbers;
}
