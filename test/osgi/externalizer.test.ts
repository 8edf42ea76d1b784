import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { externalUrl } from '../../engine/external-url.js';
import { createOsgiConfigurations } from '../../engine/osgi-configurations.js';
import { externalDomain, externalUrlOf } from '../../engine/osgi-externalizer.js';
import { parseFelixConfig } from '../../repository/osgi/parse-felix-config.js';
import { openRepository } from '../../repository/repository.js';
import { openFor } from '../repository/world.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';
import { putFile } from './osgi-world.js';

const externalizer = parseFelixConfig(
  String.raw`externalizer.domains=[ \
  "local\ http://localhost:4502", \
  "author\ https://author.example.com/portal/", \
  "publish\ dam.example.com", \
  ]`,
  'a.config',
);

describe('the domains of the link externalizer', () => {
  it('are chosen by run mode', () => {
    expect(externalUrlOf(externalizer, ['author', 'dev'])).toBe('https://author.example.com/portal');
    expect(externalUrlOf(externalizer, ['publish'])).toBe('http://dam.example.com');
  });

  it('fall back to local, and to none', () => {
    const local = parseFelixConfig('externalizer.domains=["local http://localhost:4502"]', 'a.config');
    expect(externalUrlOf(local, ['publish'])).toBe('http://localhost:4502');
    expect(externalUrlOf(parseFelixConfig('', 'a.config'), ['publish'])).toBeUndefined();
  });

  it('are where links start from the moment they are configured', async () => {
    const repository = await openFor(async () =>
      openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() }),
    );
    await bootstrapRepository(repository);
    const osgi = createOsgiConfigurations({ repository, runModes: ['publish'], log: pino({ level: 'silent' }) });
    expect(await externalUrl(osgi, 'http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080');
    const path = '/apps/portal/config.publish/com.day.cq.commons.impl.ExternalizerImpl.cfg.json';
    await putFile(repository, path, '{ "externalizer.domains": ["publish https://dam.example.com"] }');
    expect(await externalUrl(osgi, 'http://127.0.0.1:8080')).toBe('https://dam.example.com');
  });

  it.each(['publish', 'publish ftp://dam.example.com', 'publish https://u:p@dam.example.com', 'a b c', 'a https://'])(
    'cannot be %j',
    (text) => expect(externalDomain(text)).toBeUndefined(),
  );
});
