import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEncryptingCodec } from '../../engine/temporal/encrypting-codec.js';
import { parseEncryptionKeys, type EncryptionKey } from '../../engine/temporal/encryption-key.js';

function newKey(): EncryptionKey {
  const keys = parseEncryptionKeys(randomBytes(32).toString('base64'));
  const [key] = typeof keys === 'string' ? [] : keys;
  if (!key) throw new Error('32 random bytes are no key.');
  return key;
}

const [first, second] = [newKey(), newKey()];
const payloads = fc.array(
  fc.record({
    metadata: fc.dictionary(fc.string({ maxLength: 10 }), fc.uint8Array({ maxLength: 20 })),
    data: fc.uint8Array({ maxLength: 2000 }),
  }),
);
const plainBytes = (all: readonly { metadata?: unknown; data?: Uint8Array | null }[]) =>
  all.map(({ metadata, data }) => ({
    metadata: Object.entries(metadata as Record<string, Uint8Array>).map(([name, value]) => [name, [...value]]),
    data: [...(data ?? [])],
  }));

describe('the codec', () => {
  it('gives back what it encrypted, and with keys replaced too', async () => {
    await fc.assert(
      fc.asyncProperty(payloads, async (plain) => {
        const encrypted = await createEncryptingCodec([first]).encode(plain);
        for (const codec of [createEncryptingCodec([first]), createEncryptingCodec([second, first])]) {
          expect(plainBytes(await codec.decode(encrypted))).toEqual(plainBytes(plain));
        }
      }),
    );
  });

  it('shows nothing of what it encrypts, and never the same bytes twice', async () => {
    const secret = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"ada@example.com"') };
    const [one, other] = await createEncryptingCodec([first]).encode([secret, secret]);
    expect(Buffer.from(one?.data ?? []).includes('ada')).toBe(false);
    expect(Buffer.from(one?.data ?? []).equals(Buffer.from(other?.data ?? []))).toBe(false);
    expect(Buffer.from(one?.metadata?.['encryption-key-id'] ?? []).toString()).toBe(first.id);
  });

  it('reads what was never encrypted, and without keys changes nothing', async () => {
    const plain = [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('1') }];
    expect(await createEncryptingCodec([first]).decode(plain)).toEqual(plain);
    expect(await createEncryptingCodec([]).encode(plain)).toBe(plain);
    expect(await createEncryptingCodec([]).decode(plain)).toEqual(plain);
  });

  it.each([
    { keys: [second], said: `configured are ${second.id}` },
    { keys: [], said: 'no key is configured' },
  ])('names the key that is missing: $said', async ({ keys, said }) => {
    const encrypted = await createEncryptingCodec([first]).encode([{ data: Buffer.from('1') }]);
    await expect(createEncryptingCodec(keys).decode(encrypted)).rejects.toMatchObject({
      code: 'NOT_DECRYPTED',
      message: expect.stringContaining(said) as string,
      details: { key: first.id },
    });
  });

  it('takes no payload that was changed, at any byte', async () => {
    const codec = createEncryptingCodec([first]);
    const [encrypted] = await codec.encode([{ data: Buffer.from('some text') }]);
    const bytes = Buffer.from(encrypted?.data ?? []);
    for (let length = 0; length < bytes.length; length++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(length) ^ 1, length);
      for (const data of [changed, bytes.subarray(0, length)]) {
        await expect(codec.decode([{ ...encrypted, data }])).rejects.toMatchObject({ code: 'NOT_DECRYPTED' });
      }
    }
  });
});
