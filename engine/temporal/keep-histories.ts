import { msToTs } from '@temporalio/common/lib/time.js';
import type { NativeConnection } from '@temporalio/worker';

/**
 * How long the embedded server keeps ended workflows. A launch is made once because its workflow id cannot be used again,
 * which holds only while Temporal remembers it: so longer than anything that repeats launches may lag behind.
 */
const retentionDays = 30;

export async function keepHistories(connection: NativeConnection, namespace: string): Promise<void> {
  await connection.workflowService.updateNamespace({
    namespace,
    config: { workflowExecutionRetentionTtl: msToTs(`${retentionDays} days`) },
  });
}
