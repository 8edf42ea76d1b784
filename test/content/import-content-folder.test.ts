import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import {
  importContentFolder,
  removeAbandonedContent,
  type ContentCheck,
} from '../../repository/content/import-content-folder.js';
import { watchContentFolders } from '../../repository/content/watch-content-folders.js';
import { backends, namesOf, openFor, sessionOf, temporaryFolder } from '../repository/world.js';
import { docView } from '../vault/package-builder.js';

const containing = (text: string): unknown => expect.stringContaining(text);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

type Files = Readonly<Record<string, string | undefined>>;

/** A content folder at /libs/x, and the session that imports it. */
async function openWorld(files: Files) {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  const repository = await openFor(open);
  const session = await sessionOf(repository);
  const folder = await temporaryFolder();
  const write = async (changes: Files) => {
    for (const [name, content] of Object.entries(changes)) {
      const file = join(folder, name);
      await mkdir(dirname(file), { recursive: true });
      if (content === undefined) await rm(file, { recursive: true });
      else await writeFile(file, content);
    }
  };
  await write(files);
  const importAgain = (check?: ContentCheck) =>
    importContentFolder({ session, folder, target: '/libs/x', ...(check && { check }) });
  return { repository, session, folder, write, importAgain };
}

const textOf = async (session: Session, path: string) => {
  const data = (await session.findNode(`${path}/jcr:content`))?.binary('jcr:data');
  return data && Buffer.from(await session.readBinary(data)).toString();
};

describe('a content folder', () => {
  it('becomes nodes in one commit, and none when nothing changed', async () => {
    const { session, importAgain } = await openWorld({
      '.content.json': '{"jcr:primaryType": "nt:unstructured", "title": "X", "b": {"n": 1}, "a": {}}',
      'mail/en.mjml': '<mjml/>',
      'mail/.content.xml': docView('jcr:primaryType="sling:Folder" jcr:title="Mail"'),
      'mail/.DS_Store': 'junk',
      'mail/en.mjml~': 'backup',
      'empty/deep/readme.txt': 'text',
    });
    const before = session.sequence;
    const report = await importAgain();
    expect(report).toMatchObject({ unchanged: 0, removed: [], keptRepositoryEdits: [], problems: [] });
    expect(report.ignored).toEqual(['mail/.DS_Store', 'mail/en.mjml~']);
    expect(session.sequence).toBe(before + 1);
    const root = await session.getNode('/libs/x');
    expect(root).toMatchObject({ primaryType: 'nt:unstructured' });
    expect(await namesOf(session.children('/libs/x'))).toEqual(['b', 'a', 'empty', 'mail']);
    expect((await session.getNode('/libs/x/mail')).text('jcr:title')).toBe('Mail');
    expect((await session.getNode('/libs/x/mail/en.mjml')).primaryType).toBe('nt:file');
    expect((await session.getNode('/libs/x/mail/en.mjml/jcr:content')).text('jcr:mimeType')).toBe('text/mjml');
    expect(await textOf(session, '/libs/x/mail/en.mjml')).toBe('<mjml/>');
    expect((await session.getNode('/libs/x/empty/deep')).primaryType).toBe('sling:Folder');

    expect(await importAgain()).toMatchObject({ imported: [], removed: [], unchanged: report.imported.length });
    expect(session.sequence).toBe(before + 1);
  });

  it('has what its types create and the files do not bring', async () => {
    const { repository, session, importAgain } = await openWorld({
      '.content.json': '{"jcr:primaryType": "x:Shelf"}',
    });
    await repository.registerNodeTypes(
      'admin',
      "<'x'='urn:x'> [x:Shelf] + label (nt:unstructured) = nt:unstructured mandatory autocreated",
    );
    await session.refresh();
    await importAgain();
    expect(await namesOf(session.children('/libs/x'))).toEqual(['label']);
    const before = session.sequence;
    await importAgain();
    expect(session.sequence).toBe(before);
  });

  it('follows changes of files: properties, types, order, bytes', async () => {
    const { session, write, importAgain } = await openWorld({
      '.content.json': '{"title": "one", "gone": 1, "a": {}, "b": {}}',
      'f.txt': 'one',
    });
    await importAgain();
    await write({
      '.content.json': '{"title": "two", "c": {}, "b": {"x": 1}, "a": {"jcr:primaryType": "sling:Folder"}}',
      'f.txt': 'two',
    });
    expect((await importAgain()).imported.toSorted()).toEqual(
      ['/libs/x', '/libs/x/a', '/libs/x/b', '/libs/x/c', '/libs/x/f.txt/jcr:content'].toSorted(),
    );
    const root = await session.getNode('/libs/x');
    expect([root.text('title'), root.property('gone')]).toEqual(['two', undefined]);
    expect((await session.getNode('/libs/x/a')).primaryType).toBe('sling:Folder');
    expect((await namesOf(session.children('/libs/x'))).filter((name) => name !== 'f.txt')).toEqual(['c', 'b', 'a']);
    expect(await textOf(session, '/libs/x/f.txt')).toBe('two');
  });

  it('removes the nodes of a removed file, and only those', async () => {
    const { session, write, importAgain } = await openWorld({
      'a/f.txt': 'f',
      'a/g.txt': 'g',
      'b/.content.json': '{"n": {}}',
      'c/f.txt': 'f',
    });
    await importAgain();
    await session.addNode('/libs/x/c/own');
    await session.save();
    await write({ 'a/f.txt': undefined, b: undefined, c: undefined });
    const { removed, keptRepositoryEdits } = await importAgain();
    expect(removed.toSorted()).toEqual(
      [
        '/libs/x/a/f.txt',
        '/libs/x/a/f.txt/jcr:content',
        '/libs/x/b',
        '/libs/x/b/n',
        '/libs/x/c/f.txt',
        '/libs/x/c/f.txt/jcr:content',
      ].toSorted(),
    );
    expect(keptRepositoryEdits).toEqual([{ path: '/libs/x/c', file: '', reason: containing('content below it') }]);
    expect(await session.findNode('/libs/x/a/g.txt')).toBeDefined();
    expect(await session.findNode('/libs/x/c/own')).toBeDefined();
    expect(await session.findNode('/libs/x/b')).toBeUndefined();
  });

  it('turns a folder whose .content.json is removed into a plain one', async () => {
    const { session, write, importAgain } = await openWorld({ 'a/.content.json': '{"title": "A"}', 'a/f.txt': 'f' });
    await importAgain();
    await write({ 'a/.content.json': undefined });
    await importAgain();
    const folder = await session.getNode('/libs/x/a');
    expect([folder.primaryType, folder.text('title')]).toEqual(['sling:Folder', undefined]);
  });
});

describe('an edit in the repository', () => {
  it('wins over its file, before and after the file changes, and is reported', async () => {
    const { session, write, importAgain } = await openWorld({
      'a/.content.json': '{"p": 1, "q": {}}',
      'f.txt': 'file',
    });
    await importAgain();
    await session.setProperties('/libs/x/a', { p: 2 });
    await session.remove('/libs/x/f.txt');
    await session.save();
    const kept = [
      { path: '/libs/x/a', file: 'a/.content.json', reason: 'it was edited in the repository' },
      { path: '/libs/x/f.txt', file: 'f.txt', reason: 'it was removed in the repository' },
    ];
    expect((await importAgain()).keptRepositoryEdits).toEqual(kept);
    await write({ 'a/.content.json': '{"p": 3, "q": {"r": 1}}', 'f.txt': 'changed' });
    const report = await importAgain();
    expect(report.keptRepositoryEdits).toEqual(kept);
    expect(report.imported).toEqual(['/libs/x/a/q']);
    expect((await session.getNode('/libs/x/a')).number('p')).toBe(2);
    expect(await session.findNode('/libs/x/f.txt')).toBeUndefined();
  });

  it('stays when the file goes', async () => {
    const { session, write, importAgain } = await openWorld({ 'a/.content.json': '{"p": 1}' });
    await importAgain();
    await session.setProperties('/libs/x/a', { p: 2 });
    await session.save();
    await write({ a: undefined });
    expect((await importAgain()).keptRepositoryEdits).toEqual([
      { path: '/libs/x/a', file: 'a/.content.json', reason: containing('its file is gone') },
    ]);
    expect((await session.getNode('/libs/x/a')).number('p')).toBe(2);
    expect((await importAgain()).keptRepositoryEdits).toEqual([]);
  });

  it('that equals the file again is none any more', async () => {
    const { session, write, importAgain } = await openWorld({ 'a/.content.json': '{"p": 1}' });
    await importAgain();
    await session.setProperties('/libs/x/a', { p: 2 });
    await session.save();
    await write({ 'a/.content.json': '{"p": 2}' });
    expect((await importAgain()).keptRepositoryEdits).toEqual([]);
    await write({ 'a/.content.json': '{"p": 3}' });
    expect((await importAgain()).imported).toEqual(['/libs/x/a']);
  });

  it('made before the first import wins, but a bare folder gives way', async () => {
    const { session, importAgain } = await openWorld({
      '.content.json': '{"title": "file"}',
      'a/.content.json': '{"p": 1}',
    });
    await session.ensureNode('/libs/x', { primaryType: 'sling:Folder' }, 'sling:Folder');
    await session.addNode('/libs/x/a', { properties: { p: 9 } });
    await session.save();
    expect((await importAgain()).keptRepositoryEdits).toEqual([
      { path: '/libs/x/a', file: 'a/.content.json', reason: containing('had it already') },
    ]);
    expect((await session.getNode('/libs/x')).text('title')).toBe('file');
  });

  it('of the order of children wins over the order of the file', async () => {
    const { session, write, importAgain } = await openWorld({ '.content.json': '{"a": {}, "b": {}}' });
    await importAgain();
    await session.orderBefore('/libs/x/b', 'a');
    await session.save();
    await write({ '.content.json': '{"c": {}, "a": {}, "b": {}}' });
    await importAgain();
    expect(await namesOf(session.children('/libs/x'))).toEqual(['b', 'a', 'c']);
  });
});

describe('a file that is wrong', () => {
  it('keeps its last good version, everything else imports, the problem names file and line', async () => {
    const { session, folder, write, importAgain } = await openWorld({
      'a/.content.json': '{"p": 1, "q": {}}',
      'f.txt': 'one',
    });
    await importAgain();
    await write({ 'a/.content.json': '{"p": 2,\n"q": oops}', 'f.txt': 'two', 'a/new.txt': 'new' });
    const report = await importAgain();
    expect(report.problems).toEqual([
      { file: join(folder, 'a/.content.json'), line: 2, message: 'has "o" where a value should be' },
    ]);
    expect((await session.getNode('/libs/x/a')).number('p')).toBe(1);
    expect(await session.findNode('/libs/x/a/q')).toBeDefined();
    expect(await textOf(session, '/libs/x/f.txt')).toBe('two');
    expect(await textOf(session, '/libs/x/a/new.txt')).toBe('new');
    await write({ 'a/.content.json': '{"p": 3}' });
    expect(await importAgain()).toMatchObject({ problems: [], removed: ['/libs/x/a/q'] });
    expect((await session.getNode('/libs/x/a')).number('p')).toBe(3);
  });

  it('from the start leaves a folder, which the corrected file takes over', async () => {
    const { session, write, importAgain } = await openWorld({ 'a/.content.json': '{', 'a/f.txt': 'f' });
    expect((await importAgain()).problems).toHaveLength(1);
    expect(await textOf(session, '/libs/x/a/f.txt')).toBe('f');
    await write({ 'a/.content.json': '{"jcr:primaryType": "nt:unstructured", "p": 1}' });
    expect((await importAgain()).problems).toEqual([]);
    expect((await session.getNode('/libs/x/a')).number('p')).toBe(1);
  });

  it('is named whatever is wrong with it', async () => {
    const { session, folder, importAgain } = await openWorld({
      'xml/.content.xml': '<jcr:root xmlns:jcr="http://www.jcp.org/jcr/1.0">\n<a',
      'doctype/.content.xml': `<!DOCTYPE x>${docView('a="1"').replace(/<\?.*\?>/, '')}`,
      'twice/.content.json': '{}',
      'twice/.content.xml': docView('a="1"'),
      'bytes/.content.xml': docView('jcr:primaryType="nt:resource" jcr:data="{Binary}"'),
      'good/f.txt': 'f',
    });
    const { problems } = await importAgain();
    expect(Object.fromEntries(problems.map(({ file, message }) => [file.slice(folder.length + 1), message]))).toEqual({
      'xml/.content.xml': matching(/unclosed tag|unexpected end/),
      'doctype/.content.xml': containing('DOCTYPE'),
      'twice/.content.xml': containing('declared already, by twice/.content.json:1'),
      'bytes/.content.xml': containing('jcr:data'),
    });
    expect(await textOf(session, '/libs/x/good/f.txt')).toBe('f');
  });

  it('is refused as a whole when the folder cannot be read, or holds a link', async () => {
    const { session, folder, importAgain } = await openWorld({ 'a.txt': 'a' });
    await expect(
      importContentFolder({ session, folder: join(folder, 'absent'), target: '/libs/x' }),
    ).rejects.toMatchObject({ code: 'INVALID_CONTENT_FILE' });
    await symlink('/etc/hostname', join(folder, 'link'));
    await expect(importAgain()).rejects.toMatchObject({ code: 'INVALID_CONTENT_FILE', file: join(folder, 'link') });
  });
});

describe('the check of changes', () => {
  /** Refuses every text file with "bad" in it, as the session shows it. */
  const noBadText: ContentCheck = async (changes, session) => {
    const problems = [];
    for (const { path, file, kind } of changes) {
      const node = kind === 'removed' ? undefined : await session.findNode(path);
      const data = node?.binary('jcr:data');
      const lines = data
        ? Buffer.from(await session.readBinary(data))
            .toString()
            .split('\n')
        : [];
      const bad = lines.findIndex((line) => line.includes('bad'));
      if (bad >= 0) problems.push({ file, line: bad + 1, message: 'has the word "bad"' });
    }
    return problems;
  };

  it('keeps the last good version of what it refuses, and imports the rest', async () => {
    const { session, folder, write, importAgain } = await openWorld({
      'a.txt': 'a',
      'b.txt': 'b',
      'never/good.txt': 'bad',
    });
    const first = await importAgain(noBadText);
    expect(first.problems).toEqual([{ file: join(folder, 'never/good.txt'), line: 1, message: 'has the word "bad"' }]);
    expect(await session.findNode('/libs/x/never/good.txt')).toBeUndefined();
    await write({ 'a.txt': 'fine\nbad', 'b.txt': 'better', 'never/good.txt': undefined });
    const report = await importAgain(noBadText);
    expect(report.problems).toEqual([{ file: join(folder, 'a.txt'), line: 2, message: 'has the word "bad"' }]);
    expect(await textOf(session, '/libs/x/a.txt')).toBe('a');
    expect(await textOf(session, '/libs/x/b.txt')).toBe('better');
    await write({ 'a.txt': 'good' });
    expect((await importAgain(noBadText)).problems).toEqual([]);
    expect(await textOf(session, '/libs/x/a.txt')).toBe('good');
  });

  it('holds everything when the problem is in a file that did not change', async () => {
    const { session, folder, write, importAgain } = await openWorld({ 'template.txt': 't', 'partial.txt': 'p' });
    await importAgain();
    await write({ 'partial.txt': 'changed' });
    const template = join(folder, 'template.txt');
    // A template that does not compile with the changed partial.
    const check: ContentCheck = async (_changes, current) =>
      (await textOf(current, '/libs/x/partial.txt')) === 'changed'
        ? [{ file: template, line: 1, message: 'does not compile any more' }]
        : [];
    expect((await importAgain(check)).problems).toEqual([
      { file: template, line: 1, message: 'does not compile any more' },
    ]);
    expect(await textOf(session, '/libs/x/partial.txt')).toBe('p');
  });

  it('does not hold changes for what was wrong before them', async () => {
    const { session, write, importAgain } = await openWorld({ 'good.txt': 'g' });
    await importAgain();
    await session.ensureNode('/apps/broken');
    await session.save();
    await write({ 'good.txt': 'better' });
    const check: ContentCheck = async (_changes, current) =>
      (await current.findNode('/apps/broken')) ? [{ file: '/apps/broken', line: 1, message: 'is broken' }] : [];
    expect((await importAgain(check)).problems).toEqual([{ file: '/apps/broken', line: 1, message: 'is broken' }]);
    expect(await textOf(session, '/libs/x/good.txt')).toBe('better');
  });

  it('keeps a file in force whose removal it refuses', async () => {
    const { session, folder, write, importAgain } = await openWorld({ 'partial.txt': 'p' });
    await importAgain();
    await write({ 'partial.txt': undefined });
    const check: ContentCheck = async (changes) =>
      changes.some(({ kind }) => kind === 'removed')
        ? [{ file: join(folder, 'partial.txt'), line: 1, message: 'is still needed' }]
        : [];
    expect(await importAgain(check)).toMatchObject({ removed: [], problems: [{ message: 'is still needed' }] });
    expect(await textOf(session, '/libs/x/partial.txt')).toBe('p');
    expect((await importAgain()).removed).toContain('/libs/x/partial.txt');
  });
});

describe('two imports at once', () => {
  it('of one folder by two processes end with its content', async () => {
    const { repository, folder, session, importAgain } = await openWorld({
      'a/.content.json': '{"p": 1}',
      'f.txt': 'f',
    });
    const other = await sessionOf(repository);
    const reports = await Promise.all([
      importAgain(),
      importContentFolder({ session: other, folder, target: '/libs/x' }),
    ]);
    expect(reports.flatMap(({ problems, keptRepositoryEdits }) => [...problems, ...keptRepositoryEdits])).toEqual([]);
    await session.refresh();
    expect(await textOf(session, '/libs/x/f.txt')).toBe('f');
    expect(await importAgain()).toMatchObject({ imported: [], removed: [] });
  });
});

describe('several folders of one target', () => {
  it('each remove their own only, and what is no longer mounted goes', async () => {
    const { session, folder, importAgain } = await openWorld({ 'a/.content.json': '{"p": 1}', 'a/own.txt': 'own' });
    const plugin = { folder: await temporaryFolder(), target: '/libs/x', mount: 'plugin' };
    await mkdir(join(plugin.folder, 'a'));
    await writeFile(join(plugin.folder, 'a', '.content.json'), '{"p": 1}');
    await writeFile(join(plugin.folder, 'a', 'step.txt'), 'step');
    await importAgain();
    expect((await importContentFolder({ session, ...plugin })).keptRepositoryEdits).toEqual([]);
    expect(await textOf(session, '/libs/x/a/step.txt')).toBe('step');

    const mounts = [{ folder, target: '/libs/x' }];
    expect((await removeAbandonedContent(session, mounts)).flatMap(({ removed }) => removed)).toEqual([
      '/libs/x/a/step.txt',
      '/libs/x/a/step.txt/jcr:content',
    ]);
    expect(await textOf(session, '/libs/x/a/own.txt')).toBe('own');
    expect(await importAgain()).toMatchObject({ imported: [], keptRepositoryEdits: [] });
    expect(await removeAbandonedContent(session, mounts)).toEqual([]);
  });
});

describe('watching content folders', () => {
  it('imports again when files change, once for changes that come together', async () => {
    const { session, folder, write, importAgain } = await openWorld({ 'a.txt': 'one' });
    await importAgain();
    const errors: unknown[] = [];
    let imported: () => void = () => undefined;
    const next = () =>
      new Promise<void>((resolve) => {
        imported = resolve;
      });
    let calls = 0;
    const watching = watchContentFolders({
      mounts: [{ folder, target: '/libs/x' }],
      onChange: async () => {
        calls++;
        await importAgain();
        imported();
      },
      onError: (error) => errors.push(error),
      sweepMilliseconds: 60_000,
    });
    await watching.ready;
    const first = next();
    await write({ 'a.txt': 'two', 'b/c.txt': 'new', '.hidden': 'x' });
    await first;
    expect(await textOf(session, '/libs/x/a.txt')).toBe('two');
    expect(await textOf(session, '/libs/x/b/c.txt')).toBe('new');
    expect(calls).toBe(1);
    const second = next();
    await write({ b: undefined });
    await second;
    expect(await session.findNode('/libs/x/b')).toBeUndefined();
    await watching.close();
    expect(errors).toEqual([]);
  });

  it('is imported again when no event tells of a change: a link that is turned to another release', async () => {
    const { session, folder } = await openWorld({ 'a.txt': 'one' });
    const other = await temporaryFolder();
    await writeFile(join(other, 'a.txt'), 'two');
    const link = join(await temporaryFolder(), 'current');
    await symlink(folder, link);
    const errors: unknown[] = [];
    let imported = () => {};
    const next = async (text: string) => {
      while ((await textOf(session, '/libs/x/a.txt')) !== text) {
        await new Promise<void>((resolve) => {
          imported = resolve;
        });
      }
    };
    const watching = watchContentFolders({
      mounts: [{ folder: link, target: '/libs/x' }],
      onChange: async (mount) => {
        await importContentFolder({ ...mount, session });
        imported();
      },
      onError: (error) => errors.push(error),
      sweepMilliseconds: 20,
    });
    // What changed between the import at start and the watching is taken over, too.
    await next('one');
    await rm(link);
    await symlink(other, link);
    await next('two');
    await watching.close();
    expect(errors).toEqual([]);
  });
});
