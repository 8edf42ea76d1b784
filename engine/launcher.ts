/**
 * Hands requests to Temporal. A request is a node first; this makes a workflow of every node that has none yet, now or
 * when Temporal is back. Launching is at least once and happens once: the workflow's id is the request's.
 */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { TypedSearchAttributes, WorkflowIdReusePolicy } from '@temporalio/common';
import type { Logger } from 'pino';
import {
  readMetadata,
  readPinnedModel,
  readRequest,
  readSeed,
  requestsRoot,
  setLaunched,
  type WorkflowRequest,
} from '../activities/satchel/request-node.js';
import { saveChanges } from '../dam/save-changes.js';
import type { Repository } from '../repository/api.js';
import type { WorkflowInput } from '../workflows/contract/model.js';
import { createRetryLoop } from './retry-loop.js';
import { isServerAway } from './temporal/is-server-away.js';
import { searchAttributeKeys } from './temporal/search-attribute-keys.js';

export interface LauncherOptions {
  readonly repository: Repository;
  /** `undefined` while Temporal is away. */
  readonly client: () => Client | undefined;
  readonly taskQueue: string;
  readonly log: Logger;
}

export interface Launcher {
  /** Looks for requests at once: call it when one was saved, and when Temporal is back. */
  wake(): void;
  /** Stops; what is not launched yet waits for the next start. */
  close(): Promise<void>;
}

/** How long one call to Temporal may take before the request waits for the next round. */
const callMs = 10_000;

export function createLauncher({ repository, client, taskQueue, log }: LauncherOptions): Launcher {
  const loop = createRetryLoop(
    async (signal) => {
      const current = client();
      if (!current) return 'done'; // woken again when it is back
      let failed = false;
      for (const path of await waitingRequests()) {
        if (signal.aborted) break;
        try {
          await launch(current, path);
        } catch (error) {
          failed = true;
          log.warn({ err: error, request: path }, 'launching failed; the request waits');
          // One request that Temporal refuses holds nobody up; a server that is away would, one time limit after another.
          if (isServerAway(error)) break;
        }
      }
      return failed ? 'again' : 'done';
    },
    (error) => log.error({ err: error }, 'looking for requests failed'),
  );

  function waitingRequests(): Promise<string[]> {
    return repository.withSession({ service: 'workflow' }, async (session) => {
      const paths: string[] = [];
      for await (const node of session.children(requestsRoot)) {
        if (readRequest(node).state === 'requested') paths.push(node.path);
      }
      return paths;
    });
  }

  function launch(current: Client, path: string): Promise<void> {
    return repository.withSession({ service: 'workflow' }, async (session) => {
      const node = await session.findNode(path);
      if (!node) return;
      const request = readRequest(node);
      const { payload, tenant, initiator } = request;
      const [metadata, seed] = [await readMetadata(session, node), await readSeed(session, node)];
      await startWorkflow(current, request, {
        model: await readPinnedModel(session, node),
        request: path,
        payload,
        tenant,
        initiator,
        ...(metadata && { metadata }),
        ...(seed && { seed }),
      });
      await saveChanges(session, async () => {
        if (await session.findNode(path)) await setLaunched(session, path);
      });
      // Gone means that it ended already, or was cancelled in the moment before it was started.
      if (!(await session.findNode(path))) await current.workflow.getHandle(request.id).cancel().catch(ignoreEnded);
    });
  }

  async function startWorkflow(current: Client, { id }: WorkflowRequest, input: WorkflowInput): Promise<void> {
    const { model, payload, tenant, initiator } = input;
    try {
      await current.withDeadline(Date.now() + callMs, () =>
        current.workflow.start(model.id, {
          workflowId: id,
          taskQueue,
          args: [input],
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          requestEagerStart: true,
          staticSummary: model.title,
          typedSearchAttributes: new TypedSearchAttributes([
            { key: searchAttributeKeys.tenant, value: tenant },
            { key: searchAttributeKeys.initiator, value: initiator },
            { key: searchAttributeKeys.payload, value: payload },
          ]),
        }),
      );
    } catch (error) {
      // Launched before, and the process died before it could note it.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  return loop;
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
