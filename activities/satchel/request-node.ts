/**
 * A workflow as the repository keeps it. While it is open it is a request, `/var/workflow/requests/<id>`; that node is saved
 * before Temporal hears of it, so a request outlives any crash. When the workflow ends the node moves to
 * `/var/workflow/instances/<id>` and takes its outcome along, or, for transient models, is removed.
 */
import type { RepositoryNode, Session } from '../../repository/api.js';
import { isErrorCode } from '../../workflows/contract/errors.js';
import type { Outcome, PinnedModel, StepRecord, WorkflowInput } from '../../workflows/contract/model.js';

export const requestsRoot = '/var/workflow/requests';
export const instancesRoot = '/var/workflow/instances';

/**
 * `requested`: Temporal has not confirmed it; `launched`: it has. The others are how it ended. Launch and end are kept in
 * different properties, so that recording one never conflicts with the other.
 */
export type RequestState = 'requested' | 'launched' | Outcome['state'];

export interface WorkflowRequest extends Omit<WorkflowInput, 'model' | 'completed'> {
  /** Also the workflow id. */
  readonly id: string;
  readonly path: string;
  readonly model: string;
  readonly title: string;
  readonly transient: boolean;
  readonly state: RequestState;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly error: { readonly code: string; readonly message: string; readonly step: string } | undefined;
}

export interface NewRequest {
  readonly id: string;
  readonly model: PinnedModel;
  readonly payload: string;
  readonly initiator: string;
  readonly tenant: string;
  readonly created: Date;
}

/** Adds the request to the session, unsaved. @returns its path */
export async function addRequest(session: Session, request: NewRequest): Promise<string> {
  const path = `${requestsRoot}/${request.id}`;
  const pinned = await session.createBinary(JSON.stringify(request.model));
  await session.addNode(path, {
    properties: {
      model: request.model.id,
      'jcr:title': request.model.title,
      transient: request.model.transient,
      pinned,
      payload: request.payload,
      initiator: request.initiator,
      tenant: request.tenant,
      'jcr:created': request.created,
    },
  });
  return path;
}

/** Notes, unsaved, that Temporal has it. */
export async function setLaunched(session: Session, path: string): Promise<void> {
  await session.setProperties(path, { launched: new Date() });
}

/** Reads a request or instance node. */
export function readRequest(node: RepositoryNode): WorkflowRequest {
  const [code, message, step] = ['errorCode', 'errorMessage', 'errorStep'].map((name) => node.text(name));
  return {
    id: node.name,
    path: node.path,
    request: node.path,
    model: node.text('model') ?? '',
    title: node.text('jcr:title') ?? '',
    transient: node.boolean('transient') ?? false,
    payload: node.text('payload') ?? '',
    initiator: node.text('initiator') ?? '',
    tenant: node.text('tenant') ?? 'global',
    state: (node.text('state') ?? (node.property('launched') ? 'launched' : 'requested')) as RequestState,
    created: new Date(node.text('jcr:created') ?? 0).toISOString(),
    error: isErrorCode(code) ? { code, message: message ?? '', step: step ?? '' } : undefined,
  };
}

/** The model as it was pinned at launch. */
export async function readPinnedModel(session: Session, node: RepositoryNode): Promise<PinnedModel> {
  return (await readJson(session, node, 'pinned')) as PinnedModel;
}

/** The steps as they ended; only instance nodes have them. */
export async function readSteps(session: Session, node: RepositoryNode): Promise<readonly StepRecord[] | undefined> {
  return (await readJson(session, node, 'steps')) as readonly StepRecord[] | undefined;
}

async function readJson(session: Session, node: RepositoryNode, property: string): Promise<unknown> {
  const binary = node.binary(property);
  if (!binary) return undefined;
  return JSON.parse(new TextDecoder().decode(await session.readBinary(binary)));
}
