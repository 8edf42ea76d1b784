import { downloadsRoot } from '../../dam/download-job.js';
import type { Repository, Session } from '../../repository/api.js';
import type { FinishInput } from '../../workflows/contract/model.js';
import { isDescendantOrSelf, nameOf } from '../../repository/path.js';
import { listedProperty } from './listing-keys.js';
import {
  addContainerSteps,
  findRecord,
  instancesRoot,
  jsonProperties,
  listingsOf,
  readRequest,
} from './request-node.js';

/**
 * Records how a workflow ended. Running it again after it succeeded changes nothing: the request is gone then.
 *
 * What a container ran stands in the record of the workflow around it.
 *
 * A transient workflow leaves no record; where a completion model reports on it, that one still hangs its mail below the
 * request node, and removes it at its own end.
 */
export function createFinish(repository: Repository): (input: FinishInput) => Promise<void> {
  return (input) =>
    repository.withSession({ service: 'workflow' }, async (session) => {
      await record(session, input);
      await session.save();
    });
}

async function record(session: Session, input: FinishInput): Promise<void> {
  const { workflow, transient, followed, outcome, steps, metadata } = input;
  if (workflow.container !== undefined) {
    const record = await findRecord(session, nameOf(workflow.request));
    // A transient workflow leaves no record, nor do those in it.
    if (record && !readRequest(record).transient)
      await addContainerSteps(session, record.path, workflow.container, steps);
    return;
  }
  const request = await session.findNode(workflow.request);
  if (!request) return;
  if (workflow.completed) return session.remove(request.path);
  const failure = outcome.state === 'failed' ? outcome : undefined;
  const ending = {
    state: outcome.state,
    ended: new Date(),
    ...(failure && { errorCode: failure.code, errorMessage: failure.message, errorStep: failure.step }),
  };
  if (isDescendantOrSelf(workflow.payload, downloadsRoot) && (await session.findNode(workflow.payload))) {
    await session.setProperties(workflow.payload, ending);
  }
  if (transient && !followed) return session.remove(request.path);

  await session.setProperties(request.path, {
    ...ending,
    ...(await jsonProperties(session, { steps, metadataAtEnd: metadata })),
    [listedProperty]: listingsOf(readRequest(request), outcome.state),
    seed: null,
    paused: null,
    // Who asked for a cancellation that came too late did not end it.
    ...(outcome.state !== 'cancelled' && { endedBy: null, terminated: null }),
  });
  if (!transient) await session.move(request.path, `${instancesRoot}/${request.name}`);
}
