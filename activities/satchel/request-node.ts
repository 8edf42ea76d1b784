/**
 * A workflow as the repository keeps it. While it is open it is a request, `/var/workflow/requests/<id>`; that node is saved
 * before Temporal hears of it, so a request outlives any crash. When the workflow ends the node moves to
 * `/var/workflow/instances/<id>` and takes its outcome along, or, for transient models, is removed.
 *
 *     <id>              model, modelVersion, payload, initiator, tenant, jcr:created, pinned; launched, paused, metadata,
 *                       seed; retryOf, rerunOf,
 *                       retriedAs; state, ended, endedBy, terminated, error*, steps, metadataAtEnd
 *       comments/<n>    by, text, jcr:created
 *       containers/<n>  steps of the workflow of a container that ended; container: the path of its node
 *       values          large values of the metadata map, one Binary each (metadata-values.ts)
 */
import { createHash, randomBytes } from 'node:crypto';
import type { RepositoryNode, Session } from '../../repository/api.js';
import type { PropertyInput } from '../../repository/value.js';
import { isErrorCode } from '../../workflows/contract/errors.js';
import type {
  JsonObject,
  Outcome,
  PinnedModel,
  StepRecord,
  WorkflowInput,
  WorkflowSeed,
} from '../../workflows/contract/model.js';
import { listedProperty, listingKey } from './listing-keys.js';
import { keepLargeValues } from './metadata-values.js';

export const requestsRoot = '/var/workflow/requests';
export const instancesRoot = '/var/workflow/instances';

/**
 * `requested`: Temporal has not confirmed it; `launched`: it has. The others are how it ended. Launch and end are kept in
 * different properties, so that recording one never conflicts with the other.
 */
export type RequestState = 'requested' | 'launched' | Outcome['state'];

export interface WorkflowRequest extends Omit<WorkflowInput, 'model' | 'completed' | 'metadata' | 'seed'> {
  /** Also the workflow id. */
  readonly id: string;
  readonly path: string;
  readonly model: string;
  /** `undefined` in records of versions that did not keep it. */
  readonly modelVersion: string | undefined;
  readonly title: string;
  readonly transient: boolean;
  readonly state: RequestState;
  readonly paused: boolean;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly ended: string | undefined;
  /** Who cancelled or terminated it. */
  readonly endedBy: string | undefined;
  readonly terminated: boolean;
  /** The failed run that this one goes on with; the run whose request it repeats. */
  readonly retryOf: string | undefined;
  readonly rerunOf: string | undefined;
  /** The run that went on with this one. */
  readonly retriedAs: string | undefined;
  readonly error: { readonly code: string; readonly message: string; readonly step: string } | undefined;
}

export interface NewRequest {
  readonly id: string;
  readonly model: PinnedModel;
  readonly payload: string;
  readonly initiator: string;
  readonly tenant: string;
  readonly created: Date;
  /** Names of the launchers that led to it, the last one last. Default: a person launched it. */
  readonly launchers?: readonly string[];
  readonly metadata?: JsonObject;
  readonly comment?: string;
  readonly seed?: WorkflowSeed;
  readonly retryOf?: string;
  readonly rerunOf?: string;
}

/** A remark of a person on a workflow. */
export interface WorkflowComment {
  readonly by: string;
  readonly text: string;
  /** ISO 8601, UTC. */
  readonly created: string;
}

/** Adds the request to the session, unsaved. @returns its path */
export async function addRequest(session: Session, request: NewRequest): Promise<string> {
  const path = `${requestsRoot}/${request.id}`;
  const { metadata, seed } = request;
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
      ...(request.launchers && request.launchers.length > 0 && { launchers: request.launchers }),
      modelVersion: request.model.version,
      [listedProperty]: listingsOf({ ...request, model: request.model.id }, 'open'),
      ...(await jsonProperties(session, { seed })),
      ...(seed?.keysOf !== undefined && { keysOf: seed.keysOf }),
      ...(request.retryOf !== undefined && { retryOf: request.retryOf }),
      ...(request.rerunOf !== undefined && { rerunOf: request.rerunOf }),
    },
  });
  if (metadata && Object.keys(metadata).length > 0) {
    const map = await keepLargeValues(session, path, metadata);
    await session.setProperties(path, await jsonProperties(session, { metadata: map }));
  }
  if (request.comment !== undefined) await addComment(session, path, request.initiator, request.comment);
  return path;
}

/** Names of the launchers that led to a workflow; none where a person launched it. */
export async function readLaunchers(session: Session, request: string): Promise<readonly string[]> {
  return (await session.findNode(request))?.texts('launchers') ?? [];
}

/** Where it is listed; the state is that of its end, or `open`. */
export function listingsOf(
  { id, model, initiator, tenant }: Pick<WorkflowRequest, 'id' | 'model' | 'initiator' | 'tenant'>,
  state: Outcome['state'] | 'open',
): string[] {
  return [
    listingKey('all', '', id),
    listingKey('state', state, id),
    listingKey('model', model, id),
    listingKey('initiator', initiator, id),
    listingKey('tenant', tenant, id),
  ];
}

/** Adds a comment, unsaved, to a request or instance node. */
export async function addComment(session: Session, path: string, by: string, text: string): Promise<void> {
  const created = new Date();
  const name = `${created.toISOString().replaceAll(/\D/g, '')}-${randomBytes(4).toString('hex')}`;
  await session.ensureNode(`${path}/comments`);
  await session.addNode(`${path}/comments/${name}`, { properties: { by, text, 'jcr:created': created } });
}

/** Oldest first. */
export async function readComments(session: Session, path: string): Promise<WorkflowComment[]> {
  const comments: WorkflowComment[] = [];
  for await (const node of session.children(`${path}/comments`)) {
    const created = new Date(node.text('jcr:created') ?? 0).toISOString();
    comments.push({ by: node.text('by') ?? '', text: node.text('text') ?? '', created });
  }
  return comments.sort((a, b) => (a.created < b.created ? -1 : 1));
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
    modelVersion: node.text('modelVersion'),
    title: node.text('jcr:title') ?? '',
    transient: node.boolean('transient') ?? false,
    payload: node.text('payload') ?? '',
    initiator: node.text('initiator') ?? '',
    tenant: node.text('tenant') ?? 'global',
    state: (node.text('state') ?? (node.property('launched') ? 'launched' : 'requested')) as RequestState,
    paused: node.property('paused') !== undefined && node.property('state') === undefined,
    created: new Date(node.text('jcr:created') ?? 0).toISOString(),
    ended: node.text('ended'),
    endedBy: node.text('endedBy'),
    terminated: node.boolean('terminated') ?? false,
    retryOf: node.text('retryOf'),
    rerunOf: node.text('rerunOf'),
    retriedAs: node.text('retriedAs'),
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

/** The request or instance node of a workflow. */
export async function findRecord(session: Session, id: string): Promise<RepositoryNode | undefined> {
  const nodes = await session.findNodes([`${requestsRoot}/${id}`, `${instancesRoot}/${id}`]);
  return nodes.find((node) => node !== undefined);
}

/** @param container path of its node, with those around it: `legal/review~2` */
export async function addContainerSteps(
  session: Session,
  record: string,
  container: string,
  steps: readonly StepRecord[],
): Promise<void> {
  await session.ensureNode(`${record}/containers`);
  const path = `${record}/containers/${containerName(container)}`;
  await session.ensureNode(path);
  await session.setProperties(path, { container, ...(await jsonProperties(session, { steps })) });
}

/** @param child workflow id of a container that ended: that of the outermost workflow and the container's path */
export async function readContainerSteps(session: Session, child: string): Promise<readonly StepRecord[] | undefined> {
  const slash = child.indexOf('/');
  const record = slash < 0 ? undefined : await findRecord(session, child.slice(0, slash));
  const node = record && (await session.findNode(`${record.path}/containers/${containerName(child.slice(slash + 1))}`));
  return node && (await readSteps(session, node));
}

/** Paths may be longer than a name. */
function containerName(container: string): string {
  return createHash('sha256').update(container).digest('hex').slice(0, 32);
}

/** The metadata map as the launch gave it. */
export async function readMetadata(session: Session, node: RepositoryNode): Promise<JsonObject | undefined> {
  return (await readJson(session, node, 'metadata')) as JsonObject | undefined;
}

/** The metadata map as it was when the workflow ended. */
export async function readMetadataAtEnd(session: Session, node: RepositoryNode): Promise<JsonObject | undefined> {
  return (await readJson(session, node, 'metadataAtEnd')) as JsonObject | undefined;
}

/** Where the run starts, when it goes on with another. */
export async function readSeed(session: Session, node: RepositoryNode): Promise<WorkflowSeed | undefined> {
  return (await readJson(session, node, 'seed')) as WorkflowSeed | undefined;
}

/** JSON in Binaries, which are not kept in memory with the node; what is undefined is left out. */
export async function jsonProperties(
  session: Session,
  values: Readonly<Record<string, unknown>>,
): Promise<Record<string, PropertyInput>> {
  const properties: Record<string, PropertyInput> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) properties[name] = await session.createBinary(JSON.stringify(value));
  }
  return properties;
}

async function readJson(session: Session, node: RepositoryNode, property: string): Promise<unknown> {
  const binary = node.binary(property);
  if (!binary) return undefined;
  return JSON.parse(new TextDecoder().decode(await session.readBinary(binary)));
}
