/** Which running workflows a changed model concerns: each runs the model as it was pinned, to its end. */
import type { Client } from '@temporalio/client';
import { listedUnder, newestFirst } from '../../activities/satchel/listing-keys.js';
import { readPinnedModel, readRequest, requestsRoot } from '../../activities/satchel/request-node.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { names, type PinnedModel, type StepRecord, type WorkflowState } from '../../workflows/contract/model.js';
import { initialRecords } from '../../workflows/contract/step-records.js';
import type { RunningCheck } from '../api.js';
import { loadModel } from '../model-loader.js';
import type { RequestServices } from '../workflow-requests.js';
import { compareModels } from './compare-models.js';
import { readsAll } from './list-jobs.js';

const answerMs = 3_000;

export interface CheckOptions extends RequestServices {
  /** `undefined` while Temporal is away. */
  readonly client: () => Client | undefined;
}

/** @throws SatchelError NOT_ALLOWED for who is no administrator */
export async function checkRunning(
  options: CheckOptions,
  user: string,
  { model, tenant }: { readonly model: string; readonly tenant?: string },
): Promise<RunningCheck[]> {
  const { services, registry } = options;
  return services.repository.withSession({ service: 'workflow' }, async (session) => {
    if (!(await readsAll(session, user))) {
      throw new SatchelError('NOT_ALLOWED', 'The running workflows of everybody are for administrators.');
    }
    const current = new Map<string, Promise<PinnedModel | SatchelError>>();
    const currentOf = (name: string) => {
      const known = current.get(name) ?? resolve(name);
      current.set(name, known);
      return known;
    };
    const resolve = async (name: string): Promise<PinnedModel | SatchelError> => {
      try {
        const resolved = await services.overlay.tenant(session, name);
        return (await loadModel({ ...services, registry }, session, resolved, model)).model;
      } catch (error) {
        if (error instanceof SatchelError) return error;
        throw error;
      }
    };
    const result = await session.query({
      path: requestsRoot,
      where: {
        and: [
          listedUnder('model', model),
          { property: 'state', op: 'missing' },
          ...(tenant === undefined ? [] : [{ property: 'tenant', op: '=', value: tenant } as const]),
        ],
      },
      order: newestFirst,
    });
    const checks: RunningCheck[] = [];
    for await (const node of result.nodes()) {
      const { id, tenant: owner, created } = readRequest(node);
      const now = await currentOf(owner);
      const about = { id, tenant: owner, started: created };
      if (now instanceof SatchelError) {
        checks.push({ ...about, verdict: 'model gone', differences: [], problem: now.message });
        continue;
      }
      const pinned = await readPinnedModel(session, node);
      const steps = pinned.version === now.version ? [] : await stepsOf(options.client(), id, pinned);
      const differences = pinned.version === now.version ? [] : compareModels(pinned, now, steps);
      checks.push({ ...about, verdict: verdictOf(differences), differences });
    }
    return checks;
  });
}

function verdictOf(differences: RunningCheck['differences']): RunningCheck['verdict'] {
  if (differences.length === 0) return 'same';
  return differences.some(({ place }) => place === 'ahead') ? 'ahead' : 'behind';
}

/** Where it is; at its beginning as far as nobody knows better. */
async function stepsOf(client: Client | undefined, id: string, pinned: PinnedModel): Promise<readonly StepRecord[]> {
  const state = await client
    ?.withDeadline(Date.now() + answerMs, () => client.workflow.getHandle(id).query<WorkflowState>(names.stateQuery))
    .catch(() => undefined);
  return state?.steps ?? initialRecords(pinned);
}
