import proto from '@temporalio/proto';
import type { NativeConnection } from '@temporalio/worker';
import { names } from '../../workflows/contract/model.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { isServerAway } from './is-server-away.js';

const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

/**
 * A workflow with an unknown search attribute does not start, so this is found out first.
 * @throws SatchelError TEMPORAL_MISCONFIGURED with the command that adds what is missing
 */
export async function verifySearchAttributes(
  connection: NativeConnection,
  address: string,
  namespace: string,
): Promise<void> {
  const { customAttributes } = await connection
    .withDeadline(Date.now() + 10_000, () => connection.operatorService.listSearchAttributes({ namespace }))
    .catch((error: unknown) => {
      if (isServerAway(error)) throw error;
      const problem = error instanceof Error ? error.message : String(error);
      throw new SatchelError(
        'TEMPORAL_MISCONFIGURED',
        `The search attributes of namespace "${namespace}" on ${address} cannot be read: ${problem}. Check the namespace and the rights of the API key.`,
        { cause: error },
      );
    });
  const wanted = Object.values(names.searchAttributes);
  const missing = wanted.filter((name) => customAttributes[name] !== keyword);
  if (missing.length === 0) return;
  const command = [
    `temporal operator search-attribute create --address ${address} --namespace ${namespace}`,
    ...missing.map((name) => `--name ${name} --type Keyword`),
  ].join(' ');
  throw new SatchelError(
    'TEMPORAL_MISCONFIGURED',
    `Namespace "${namespace}" on ${address} lacks the search attributes ${missing.join(', ')} of type Keyword. Run: ${command}`,
    { details: { missing, command } },
  );
}
