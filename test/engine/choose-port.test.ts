import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choosePort } from '../../engine/choose-port.js';

describe('choosePort', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'satchel-port-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps the port of a data folder, so that links in mails stay right', async () => {
    const first = await choosePort(folder, 0);
    expect(first).toBeGreaterThan(0);
    expect(await choosePort(folder, 0)).toBe(first);
  });

  it('takes another one while that port is taken', async () => {
    const first = await choosePort(folder, 0);
    const other = createServer().listen(first, '127.0.0.1');
    await once(other, 'listening');
    try {
      expect((other.address() as AddressInfo).port).toBe(first);
      expect(await choosePort(folder, 0)).not.toBe(first);
    } finally {
      other.close();
    }
  });

  it('takes the one that is asked for', async () => {
    expect(await choosePort(folder, 4502)).toBe(4502);
  });
});
