import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { SatchelError } from '../../workflows/contract/errors.js';

/**
 * One connection for client and worker: eager starts need them to share it. Gives up after `timeoutMs`, which the SDK
 * itself does not when something accepts the connection and says nothing.
 * @throws SatchelError TEMPORAL_UNAVAILABLE naming the address
 */
export async function connectTemporal(
  options: NativeConnectionOptions & { readonly address: string },
  timeoutMs = 5_000,
): Promise<NativeConnection> {
  const unavailable = (problem: string, cause?: unknown) =>
    new SatchelError(
      'TEMPORAL_UNAVAILABLE',
      `The Temporal server at ${options.address} cannot be reached: ${problem}.`,
      {
        details: { address: options.address },
        cause,
      },
    );
  const connecting = NativeConnection.connect(options);
  let timer: NodeJS.Timeout | undefined;
  let late = false;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(unavailable(`no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
  });
  // A connection that comes after we gave up is nobody's.
  connecting.then((connection) => (late ? connection.close() : undefined)).catch(() => undefined);
  try {
    return await Promise.race([connecting, timeout]);
  } catch (error) {
    if (error instanceof SatchelError) throw error;
    throw unavailable(error instanceof Error ? error.message.replace(/\.$/, '') : String(error), error);
  } finally {
    clearTimeout(timer);
  }
}
