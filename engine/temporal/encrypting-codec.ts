/**
 * Encrypts what Temporal keeps: inputs, results, heartbeats, summaries, messages of failures. Search attributes, workflow ids and names
 * of steps stay readable, as Temporal itself works with them.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { EncryptionKey } from './encryption-key.js';

const { Payload: payloadMessage } = proto.temporal.api.common.v1;

const encoding = 'binary/encrypted';
const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/** Also for the workflow bundle: failures that workflow code makes are encoded there. */
export const encodedFailuresPath = fileURLToPath(new URL('./encoded-failures.cjs', import.meta.url));

/** For client and workers alike. Without keys everything is as Temporal has it, but what was encrypted is named as such. */
export function createDataConverter(keys: readonly EncryptionKey[]): DataConverter {
  return {
    payloadCodecs: [createEncryptingCodec(keys)],
    ...(keys.length > 0 && { failureConverterPath: encodedFailuresPath }),
  };
}

/**
 * AES-256-GCM, each payload with an IV of its own: `data` is IV (12 bytes), ciphertext, tag (16 bytes). The id of the key stands in
 * the metadata, so that keys can be replaced: the first encrypts, all decrypt, and what was never encrypted is read as it is.
 * Decoding throws SatchelError NOT_DECRYPTED.
 */
export function createEncryptingCodec(keys: readonly EncryptionKey[]): PayloadCodec {
  const [newest] = keys;
  return {
    encode: (payloads) => Promise.resolve(newest ? payloads.map((payload) => encrypt(newest, payload)) : payloads),
    async decode(payloads) {
      return payloads.map((payload) => (encryptedBy(payload) === undefined ? payload : decrypt(keys, payload)));
    },
  };
}

/** @returns the id of the key, `undefined` when the payload is not encrypted */
export function encryptedBy({ metadata }: Payload): string | undefined {
  if (text(metadata?.['encoding']) !== encoding) return undefined;
  return text(metadata?.['encryption-key-id']) ?? '';
}

function encrypt({ id, bytes }: EncryptionKey, payload: Payload): Payload {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, bytes, iv).setAAD(Buffer.from(id));
  const data = [iv, cipher.update(payloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()];
  return {
    metadata: { encoding: Buffer.from(encoding), 'encryption-key-id': Buffer.from(id) },
    data: Buffer.concat(data),
  };
}

function decrypt(keys: readonly EncryptionKey[], payload: Payload): Payload {
  const id = encryptedBy(payload) ?? '';
  const key = keys.find((known) => known.id === id);
  if (!key) throw unknownKey(id, keys);
  const data = Buffer.from(payload.data ?? []);
  try {
    const decipher = createDecipheriv(algorithm, key.bytes, data.subarray(0, ivBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(id)).setAuthTag(data.subarray(-tagBytes));
    const plain = Buffer.concat([decipher.update(data.subarray(ivBytes, -tagBytes)), decipher.final()]);
    return payloadMessage.decode(plain);
  } catch (cause) {
    throw new SatchelError('NOT_DECRYPTED', `Data that was encrypted with key ${id} was changed or is damaged.`, {
      details: { key: id },
      cause,
    });
  }
}

/** @param what is encrypted, for the message */
export function unknownKey(
  id: string,
  keys: readonly EncryptionKey[],
  what = 'Data that Temporal keeps',
): SatchelError {
  const known = keys.length === 0 ? 'no key is configured' : `configured are ${keys.map((key) => key.id).join(', ')}`;
  return new SatchelError(
    'NOT_DECRYPTED',
    `${what} was encrypted with key ${printableId(id)}; ${known}. Add that key behind the first one of temporal.encryptionKey (SATCHEL_TEMPORAL_ENCRYPTION_KEY).`,
    { details: { key: printableId(id), configured: keys.map((key) => key.id) } },
  );
}

/** It comes from outside. */
function printableId(id: string): string {
  return id.replaceAll(/[^\w-]/g, '?').slice(0, 32);
}

function text(bytes: Uint8Array | null | undefined): string | undefined {
  return bytes ? Buffer.from(bytes).toString('utf8') : undefined;
}
