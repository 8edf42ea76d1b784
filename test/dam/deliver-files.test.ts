import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deliverFile, folderError } from '../../dam/deliver-files.js';
import type { OpenArchive } from '../../dam/open-archive.js';
import { tempFolder } from './support/temp-folder.js';

function archive(text: string): OpenArchive {
  async function* read() {
    yield Buffer.from(text.slice(0, 3));
    yield Buffer.from(text.slice(3));
  }
  return { size: text.length, etag: '"x"', read };
}
const options = (folder: string, text = 'archive') => ({ folder, file: 'a.zip', archive: archive(text), key: 'job' });

describe('deliverFile', () => {
  it('makes the folder, writes the file and leaves nothing else', async () => {
    const folder = join(await tempFolder(), 'new', 'folder');
    const seen: number[] = [];
    expect(await deliverFile({ ...options(folder), onBytes: (done) => seen.push(done) })).toBe('a.zip');
    expect(await readdir(folder)).toEqual(['a.zip']);
    expect(await readFile(join(folder, 'a.zip'), 'utf8')).toBe('archive');
    expect(seen).toEqual([3, 7]);
  });

  it('counts as delivered what is there with the same bytes, and never writes over anything else', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'a.zip'), 'archivX');
    await mkdir(join(folder, 'a (2).zip'));
    expect(await deliverFile(options(folder))).toBe('a (3).zip');
    expect(await deliverFile(options(folder))).toBe('a (3).zip');
    expect(await readFile(join(folder, 'a.zip'), 'utf8')).toBe('archivX');
    expect((await readdir(folder)).sort()).toEqual(['a (2).zip', 'a (3).zip', 'a.zip']);
  });

  it('begins again over what a killed attempt left', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, '.job.part'), 'half of it, and longer than the whole');
    expect(await deliverFile(options(folder))).toBe('a.zip');
    expect(await readdir(folder)).toEqual(['a.zip']);
    expect(await readFile(join(folder, 'a.zip'), 'utf8')).toBe('archive');
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const folder = await tempFolder();
    const cancel = new AbortController();
    const delivery = deliverFile({ ...options(folder), signal: cancel.signal, onBytes: () => cancel.abort() });
    await expect(delivery).rejects.toThrow('aborted');
    expect(await readdir(folder)).toEqual([]);
  });

  it('says when the folder is a file', async () => {
    const folder = join(await tempFolder(), 'file');
    await writeFile(folder, '');
    await expect(deliverFile(options(folder))).rejects.toMatchObject({ code: 'OUT_FOLDER' });
  });

  // The one folder that even root may not write to.
  it.skipIf(process.platform !== 'linux')('says when the folder may not be written to', async () => {
    const delivery = deliverFile(options('/sys/satchel-out'));
    await expect(delivery).rejects.toMatchObject({
      code: 'OUT_FOLDER_FULL',
      message: expect.stringContaining('"/sys/satchel-out"') as string,
    });
  });

  it.each([
    ['ENOSPC', 'OUT_FOLDER_FULL', 'is full'],
    ['EDQUOT', 'OUT_FOLDER_FULL', 'quota'],
    ['EFBIG', 'OUT_FOLDER_FULL', 'of this size'],
    ['EROFS', 'OUT_FOLDER_FULL', 'read-only'],
    ['EACCES', 'OUT_FOLDER_FULL', 'may not be written'],
    ['ENOTDIR', 'OUT_FOLDER', 'no folder'],
  ])('tells %s as %s', (errno, code, text) => {
    const error = folderError('/out', Object.assign(new Error('x'), { code: errno }));
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(text);
    expect(error?.message).toContain('"/out"');
  });

  it('leaves other errors as they are', () => {
    expect(folderError('/out', new Error('else'))).toBeUndefined();
  });
});
