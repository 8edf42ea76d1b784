import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryNames, hierarchyRoot, maxSegmentBytes, safeSegment, settleNames } from '../../dam/entry-names.js';
import type { NamedFile } from '../../dam/entry-names.js';
import { layouts } from '../../workflows/contract/plan.js';

const original = (asset: string): NamedFile => ({ asset, kind: 'original', rendition: 'original' });
const web = (asset: string): NamedFile => ({ asset, kind: 'rendition', rendition: 'cq5dam.web.1280.1280.jpeg' });

// Names a repository may hold, with a liking for what file systems do not.
const assetName = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    fc.string({ unit: fc.constantFrom(...Array.from('aAäÄ.? <>"\\Ißſ')), minLength: 1, maxLength: 5 }),
    fc.constantFrom(
      'CON',
      'nul.txt',
      'com1.jpg',
      'a.jpg',
      'A.JPG',
      'a (2).jpg',
      'manifest.json',
      'e\u0301.txt',
      'é.txt',
      '...',
    ),
    fc.string({ unit: fc.constantFrom('x', '日', '🎒'), minLength: 80, maxLength: 200 }),
  )
  .map((name) => name.replaceAll('/', '_'));
const assetPath = fc.array(assetName, { minLength: 1, maxLength: 3 }).map((names) => `/content/dam/${names.join('/')}`);
const someFiles = fc
  .uniqueArray(assetPath, { maxLength: 25 })
  .map((paths) => paths.flatMap((path) => [original(path), web(path)]));

describe('names in an archive', () => {
  it.each([
    ['flat', ['x.jpg', 'x.cq5dam.web.1280.1280.jpeg']],
    ['asset', ['x.jpg/x.jpg', 'x.jpg/cq5dam.web.1280.1280.jpeg']],
    ['hierarchy', ['a/b/x.jpg', 'a/b/x.cq5dam.web.1280.1280.jpeg']],
    ['asset-hierarchy', ['a/b/x.jpg/x.jpg', 'a/b/x.jpg/cq5dam.web.1280.1280.jpeg']],
  ] as const)('follow the layout %s (D4)', (layout, expected) => {
    const path = '/content/dam/a/b/x.jpg';
    expect(entryNames([original(path), web(path)], layout, '/content/dam')).toEqual(expected);
  });

  it('number equal names in the order of the paths, whatever order they came in', () => {
    const files = [original('/c/x.jpg'), original('/a/x.jpg'), original('/b/X.jpg')];
    expect(entryNames(files, 'flat', '/')).toEqual(['x (3).jpg', 'x.jpg', 'X (2).jpg']);
    expect(entryNames([...files].reverse(), 'flat', '/')).toEqual(['X (2).jpg', 'x.jpg', 'x (3).jpg']);
  });

  it('leave a name alone that looks numbered already', () => {
    const files = [original('/a/x.jpg'), original('/b/x.jpg'), original('/c/x (2).jpg')];
    expect(entryNames(files, 'flat', '/')).toEqual(['x.jpg', 'x (3).jpg', 'x (2).jpg']);
  });

  it('keep apart folders whose names differ by case only, and files from folders', () => {
    const files = ['/r/Team/a.jpg', '/r/team/b.jpg', '/r/x/c.jpg', '/r/X'].map(original);
    expect(entryNames(files, 'hierarchy', '/r')).toEqual(['Team/a.jpg', 'team (2)/b.jpg', 'x (2)/c.jpg', 'X']);
  });

  it('leave the top-level name of the manifest to the manifest', () => {
    const files = [original('/a/manifest.json'), original('/a/Manifest.JSON')];
    expect(entryNames(files, 'flat', '/')).toEqual(['manifest (3).json', 'Manifest (2).JSON']);
  });

  it('are unique where case and Unicode form do not count, and safe, for every layout', () => {
    fc.assert(
      fc.property(someFiles, fc.constantFrom(...layouts), (files, layout) => {
        const names = entryNames(files, layout, '/content/dam');
        const folded = names.map((name) => name.normalize('NFD').toLowerCase());
        expect(new Set(folded).size).toBe(names.length);
        for (const name of names) {
          for (const segment of name.split('/')) expect(problemOf(segment)).toBeUndefined();
        }
        // No file is a folder of another one.
        for (const name of folded) expect(folded.some((other) => other.startsWith(`${name}/`))).toBe(false);
      }),
    );
  });

  it('do not depend on the order of the selection', () => {
    const shuffled = someFiles.chain((files) =>
      fc.tuple(fc.constant(files), fc.shuffledSubarray([...files.keys()], { minLength: files.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.constantFrom(...layouts), ([files, order], layout) => {
        const names = entryNames(files, layout, '/content/dam');
        const again = entryNames(
          order.map((index) => files[index] as NamedFile),
          layout,
          '/content/dam',
        );
        expect(again).toEqual(order.map((index) => names[index]));
      }),
    );
  });
});

/** The rules of Windows, macOS and Linux for one segment, told apart from the code that follows them. */
function problemOf(segment: string): string | undefined {
  if (segment === '' || segment === '.' || segment === '..') return 'empty or dots';
  if (Buffer.byteLength(segment) > 255) return 'too long';
  if (/[. ]$/u.test(segment)) return 'ends with a dot or blank';
  if (segment.startsWith(' ')) return 'starts with a blank';
  // eslint-disable-next-line no-control-regex
  if (/[<>:"\\|?*\u0000-\u001f]/u.test(segment)) return 'forbidden character';
  if (/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?$/iu.test(segment)) return 'device name';
  if (!segment.isWellFormed() || segment !== segment.normalize('NFC')) return 'Unicode form';
  return undefined;
}

describe('safeSegment', () => {
  it.each([
    ['a<b>:"c.txt', 'a_b___c.txt'],
    ['back\\slash', 'back_slash'],
    ['name. . ', 'name'],
    ['CON', '_CON'],
    ['lpt1.tar.gz', '_lpt1.tar.gz'],
    ['COM²', '_COM²'],
    ['console.log', 'console.log'],
    ['...', '_'],
    ['photo\u202Egpj.exe', 'photo_gpj.exe'],
    ['e\u0301.txt', '\u00e9.txt'],
  ])('%j becomes %j', (name, safe) => {
    expect(safeSegment(name)).toBe(safe);
  });

  it('cuts long names at a character and keeps the extension', () => {
    const cut = safeSegment(`${'日'.repeat(200)}.jpeg`);
    expect(cut).toMatch(/^日+\.jpeg$/u);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxSegmentBytes);
    expect(Buffer.byteLength(cut)).toBeGreaterThan(maxSegmentBytes - 3);
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(assetName, (name) => {
        expect(safeSegment(safeSegment(name))).toBe(safeSegment(name));
      }),
    );
  });
});

describe('settleNames', () => {
  it('keeps names that were unique, whoever made them', () => {
    fc.assert(
      fc.property(someFiles, fc.constantFrom(...layouts), (files, layout) => {
        const names = entryNames(files, layout, '/content/dam');
        expect(settleNames(names)).toEqual(names);
      }),
    );
  });

  it('makes names of a step safe and unique', () => {
    expect(settleNames(['a/x.png', 'a/X.png', '../../etc/passwd', '/', 'manifest.json'])).toEqual([
      'a/x.png',
      'a/X (2).png',
      '_/_/etc/passwd',
      '_ (2)',
      'manifest (2).json',
    ]);
  });
});

describe('hierarchyRoot', () => {
  it.each([
    [['/content/dam/a/x.jpg'], '/content/dam/a'],
    [['/content/dam/a'], '/content/dam'],
    [['/content/dam/a', '/content/dam/b'], '/content/dam'],
    [['/content/dam/a', '/content/dam/a/b'], '/content/dam'],
    [['/content/dam/a/x.jpg', '/content/dam/ab/y.jpg'], '/content/dam'],
    [['/x', '/y'], '/'],
  ])('of %j is %s', (paths, root) => {
    expect(hierarchyRoot(paths)).toBe(root);
  });
});
