import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminUser } from '../../repository/api.js';
import { parseCnd } from '../../repository/node-types/parse-cnd.js';
import { createCommandWorld, type CommandWorld } from './command-world.js';

let world: CommandWorld;
beforeAll(async () => {
  world = await createCommandWorld();
  await world.run('user', 'add', 'ada', '--email', 'ada@example.com');
});
afterAll(async () => world.close());

const shelf = `<'acme'='http://acme.example/1.0'>

[acme:Shelf] > nt:hierarchyNode orderable
  - acme:kind (string) = 'wooden' autocreated
  - jcr:createdBy (string) mandatory
  + * (nt:base) = nt:unstructured
[acme:Signed] mixin
  - acme:by (string)
`;

const write = async (name: string, text: string) => writeFile(path.join(world.folder, name), text);
const known = async () => {
  const { document } = await world.json('types', 'list');
  return (document as { types: { name: string; builtIn: boolean }[] }).types.filter(({ builtIn }) => !builtIn);
};

describe('satchel types', () => {
  it('says what would be registered, and registers nothing in a dry run', async () => {
    await write('shelf.cnd', shelf);
    expect(await world.json('types', 'register', 'shelf.cnd', '--dry-run')).toEqual({
      code: 0,
      document: {
        dryRun: true,
        added: [
          { name: 'acme:Shelf', line: 3 },
          { name: 'acme:Signed', line: 7 },
        ],
        changed: [],
        unchanged: [],
      },
    });
    expect(await known()).toEqual([]);
  });

  it('registers, and says what changed and what did not', async () => {
    expect((await world.run('types', 'register', 'shelf.cnd')).stdout).toBe(
      'added acme:Shelf (line 3)\nadded acme:Signed (line 7)\n0 of 2 types are there already in the same words\n',
    );
    await write('changed.cnd', shelf.replace("'wooden'", "'steel'"));
    expect((await world.json('types', 'register', 'changed.cnd')).document).toMatchObject({
      added: [],
      changed: [{ name: 'acme:Shelf', line: 3 }],
      unchanged: [{ name: 'acme:Signed', line: 7 }],
    });
    expect(await known()).toMatchObject([
      { name: 'acme:Shelf', mixin: false, abstract: false, supertypes: ['nt:hierarchyNode'] },
      { name: 'acme:Signed', mixin: true },
    ]);
    expect((await world.run('types', 'list')).stdout).toMatch(/^acme:Signed +registered +mixin *$/m);
  });

  it('shows a type as CND that says the same, with what it inherits marked', async () => {
    const { stdout } = await world.run('types', 'show', 'acme:Shelf');
    expect(stdout).toContain("  - acme:kind (string) = 'steel' autocreated\n");
    expect(stdout).toMatch(/^ {2}\/\/ from mix:created\n {2}\/\/ {3}- jcr:created /m);
    // The type defines this one itself.
    expect(stdout).not.toMatch(/\/\/ +- jcr:createdBy/);
    const { document } = await world.json('types', 'show', 'acme:Shelf');
    const { cnd, inherited } = document as { cnd: string; inherited: { from: string; definition: string }[] };
    expect(parseCnd(stdout).types).toEqual(parseCnd(cnd).types);
    expect(inherited).toContainEqual({
      from: 'nt:base',
      definition: expect.stringMatching(/^- jcr:primaryType /) as string,
    });
    expect((await world.json('types', 'show', 'acme:None')).document).toMatchObject({
      error: { code: 'PATH_NOT_FOUND' },
    });
  });

  it.each([
    ['what does not parse', '[acme:X]\n  - title (colour)\n', 'INVALID_NODE_TYPE', 2],
    ['what makes no sense', '\n[acme:X] > acme:None\n', 'INVALID_NODE_TYPE', 2],
    ['a change of a built-in type', '[acme:X]\n[nt:folder]\n', 'CONSTRAINT_VIOLATION', 2],
    [
      'a type that a node does not fulfil',
      "<'acme'='http://acme.example/1.0'>\n[acme:Y]\n[acme:Shelf] > nt:hierarchyNode\n  - acme:must (string) mandatory\n",
      'CONSTRAINT_VIOLATION',
      3,
    ],
  ])('refuses %s, with file and line, and registers nothing', async (_what, cnd, code, line) => {
    await world.satchel.repository.withSession(adminUser, async (session) => {
      await session.ensureNode('/shelf', { primaryType: 'acme:Shelf' });
      await session.save();
    });
    const before = await known();
    await write('wrong.cnd', cnd);
    for (const options of [['--dry-run'], []]) {
      const { document } = await world.json('types', 'register', 'wrong.cnd', ...options);
      expect(document).toMatchObject({ error: { code, details: { file: 'wrong.cnd', line } } });
    }
    expect((await world.run('types', 'register', 'wrong.cnd')).stderr).toContain(`(wrong.cnd:${line})`);
    expect(await known()).toEqual(before);
  });

  it('is registered by administrators only, and listed by everyone', async () => {
    expect(await world.json('types', 'register', 'shelf.cnd', '--as', 'ada')).toMatchObject({
      code: 2,
      document: { error: { code: 'ACCESS_DENIED' } },
    });
    expect((await world.json('types', 'list', '--as', 'ada')).code).toBe(0);
    expect((await world.json('types', 'register', 'none.cnd')).document).toMatchObject({
      error: { code: 'INVALID_REQUEST' },
    });
  });
});
