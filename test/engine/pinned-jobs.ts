/** Jobs of models that a test writes as they are pinned. */
import { addRequest, type NewRequest } from '../../activities/satchel/request-node.js';
import type { Engine, JobView } from '../../engine/api.js';
import { createRequestId } from '../../engine/request-id.js';
import { adminUser } from '../../repository/api.js';
import type { PinnedModel, PinnedNode, PinnedParticipant, PinnedStep } from '../../workflows/contract/model.js';
import type { World } from './engine-world.js';

export function modelOf(id: string, steps: readonly PinnedNode[], changes: Partial<PinnedModel> = {}): PinnedModel {
  return { id, title: `Model ${id}`, version: 'v1', layers: ['/libs'], transient: false, steps, ...changes };
}

export function stepOf(name: string, id: string, changes: Partial<PinnedStep> = {}): PinnedStep {
  return {
    name,
    id,
    major: 1,
    title: `Step ${name}`,
    layer: '/libs',
    config: {},
    local: false,
    chunked: false,
    parallel: 1,
    timeoutSeconds: 30,
    maximumAttempts: 1,
    ...changes,
  };
}

export function participant(
  name: string,
  assignee: string,
  changes: Partial<PinnedParticipant> = {},
): PinnedParticipant {
  return {
    kind: 'participant',
    name,
    title: `Ask about ${name}`,
    layer: '/libs',
    assignee,
    description: 'Please look at it.',
    notify: false,
    ...changes,
  };
}

/** Saves a request as the engine does, and lets the engine find it. @returns its id */
export async function launchPinned(
  world: World,
  engine: Engine,
  model: PinnedModel,
  changes: Partial<NewRequest> = {},
): Promise<string> {
  const created = new Date();
  const id = createRequestId(created);
  await world.repository.withSession({ service: 'workflow' }, async (session) => {
    const about = { payload: '/content/dam/plain', initiator: 'ada', tenant: 'global', created };
    await addRequest(session, { id, model, ...about, ...changes });
    await session.save();
  });
  // Whatever is launched makes the engine look for requests.
  await engine.launch({ model: 'dam/update-renditions', payload: '/content/dam/plain', initiator: adminUser });
  return id;
}

export async function finalView(engine: Engine, user: string, id: string): Promise<JobView> {
  let last: JobView | undefined;
  for await (const view of engine.follow(user, id, new AbortController().signal)) last = view;
  if (!last) throw new Error('followed nothing');
  return last;
}
