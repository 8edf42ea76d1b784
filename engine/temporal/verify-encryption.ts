import type { Client } from '@temporalio/client';
import { encryptedBy, unknownKey } from './encrypting-codec.js';
import type { EncryptionKey } from './encryption-key.js';

/** Running workflows that are looked at: a key that is missing is missing for many. */
const looked = 20;

/**
 * Finds out before anything works whether the keys fit: a worker without them would take steps from those that have them, and fail.
 * @throws SatchelError NOT_DECRYPTED naming the workflow and the key
 */
export async function verifyEncryption(
  client: Client,
  taskQueue: string,
  keys: readonly EncryptionKey[],
): Promise<void> {
  const { namespace } = client.options;
  const query = `ExecutionStatus = "Running" AND TaskQueue = "${taskQueue}"`;
  const { executions } = await client.workflowService.listWorkflowExecutions({ namespace, query, pageSize: looked });
  for (const { execution } of executions) {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      ...(execution && { execution }),
      maximumPageSize: 1,
    });
    const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    for (const payload of started?.input?.payloads ?? []) {
      const id = encryptedBy(payload);
      if (id !== undefined && !keys.some((key) => key.id === id)) {
        throw unknownKey(id, keys, `Workflow ${execution?.workflowId ?? ''}`);
      }
    }
  }
}
