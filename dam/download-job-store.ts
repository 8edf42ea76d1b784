/** Downloads as nodes: creating one, what steps record on it, and reading it back. The shape is told in download-job.ts. */
import { createHash } from 'node:crypto';
import { joinPath } from '../repository/path.js';
import type { Session } from '../repository/api.js';
import type { PropertyInput } from '../repository/value.js';
import type { DownloadRequest } from '../workflows/contract/download-request.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { PinnedStep } from '../workflows/contract/model.js';
import type {
  DownloadPlan,
  EntryOutcome,
  PackedArchives,
  PlanEntry,
  PlannedBlob,
  StepOutcomes,
} from '../workflows/contract/plan.js';
import { downloadsRoot } from './download-job.js';
import type { CurrentEntry, DownloadJob, DownloadState } from './download-job.js';
import { saveChanges } from './save-changes.js';

/** A plan of 100,000 files; far above any limit, and still a bound. */
const maxRecordBytes = 256 * 2 ** 20;

/** Names of the properties and children of a download node. */
const names = {
  plan: 'plan',
  outcomes: 'outcomes',
  archives: 'archives',
  data: 'data',
  blobs: 'satchel:blobs',
} as const;

export interface NewDownload {
  readonly id: string;
  readonly initiator: string;
  readonly tenant: string;
  readonly request: DownloadRequest;
  readonly workflowId: string;
  readonly created: Date;
}

/** Adds the download to the session, unsaved, so that it is saved together with its workflow request. @returns its path */
export async function createDownload(session: Session, download: NewDownload): Promise<string> {
  const { id, initiator, tenant, request, workflowId, created } = download;
  const path = joinPath(downloadsRoot, id);
  await session.ensureNode(downloadsRoot);
  await session.addNode(path, {
    properties: {
      initiator,
      tenant,
      workflowId,
      state: 'queued' satisfies DownloadState,
      'jcr:created': created,
      request: await session.createBinary(JSON.stringify(request)),
    },
  });
  return path;
}

/** The plan, or `undefined` before there is one. */
export async function findPlan(session: Session, downloadPath: string): Promise<DownloadPlan | undefined> {
  return readRecord<DownloadPlan>(session, joinPath(downloadPath, names.plan));
}

/** The archives, or `undefined` before they are packed. */
export async function findArchives(session: Session, downloadPath: string): Promise<PackedArchives | undefined> {
  return readRecord<PackedArchives>(session, joinPath(downloadPath, names.archives));
}

/** Puts the plan on the download, unsaved. */
export async function setPlan(session: Session, downloadPath: string, plan: DownloadPlan): Promise<void> {
  const blobs = plan.entries.map(({ content }) => (content.kind === 'blob' ? content.blob : content.source));
  await writeRecord(session, joinPath(downloadPath, names.plan), plan, blobs);
}

/** Puts the archives on the download, unsaved. */
export async function setArchives(session: Session, downloadPath: string, archives: PackedArchives): Promise<void> {
  const blobs = archives.parts.flatMap(({ entries, blob }) => [
    ...entries.map((entry) => entry.blob),
    ...(blob ? [blob] : []),
  ]);
  await writeRecord(session, joinPath(downloadPath, names.archives), archives, blobs);
}

/** Whether the download holds blobs: a plan, outcomes or archives. */
export async function hasRecords(session: Session, downloadPath: string): Promise<boolean> {
  return (await session.findNodes(recordPaths(downloadPath))).some((node) => node !== undefined);
}

/** Takes out everything that holds blobs, unsaved; what was asked for and how it ended stays. */
export async function removeRecords(session: Session, downloadPath: string): Promise<void> {
  for (const path of recordPaths(downloadPath)) if (await session.findNode(path)) await session.remove(path);
}

function recordPaths(downloadPath: string): string[] {
  return [names.plan, names.outcomes, names.archives].map((name) => joinPath(downloadPath, name));
}

/** JSON in a Binary, and beside it the blobs it needs, one hash a line, which keeps them from being collected. */
async function writeRecord(
  session: Session,
  path: string,
  record: unknown,
  blobs: readonly PlannedBlob[],
): Promise<void> {
  const needed = new Set(blobs.filter(({ inline }) => inline === undefined).map(({ sha256 }) => sha256));
  const properties: Record<string, PropertyInput> = {
    [names.data]: await session.createBinary(JSON.stringify(record)),
    [names.blobs]: await session.createBinary([...needed].map((sha256) => `${sha256}\n`).join('')),
  };
  await session.ensureNode(path);
  await session.setProperties(path, properties);
}

async function readRecord<T>(session: Session, path: string): Promise<T | undefined> {
  const data = (await session.findNode(path))?.binary(names.data);
  if (!data) return undefined;
  return JSON.parse(Buffer.from(await session.readBinary(data, maxRecordBytes)).toString()) as T;
}

export interface OpenJobOptions {
  /** The step it is opened for: it sees what the steps before it did, and records as itself. Without: what all did. */
  readonly step?: Pick<PinnedStep, 'name' | 'id'> & { readonly visit?: number };
  readonly chunk?: number;
}

/**
 * Opens the download that a workflow works on. The session must have nothing pending and be used for nothing else while
 * outcomes are recorded.
 * @throws SatchelError UNKNOWN_JOB when the path is no download
 */
export async function openDownloadJob(
  session: Session,
  path: string,
  { step, chunk = 0 }: OpenJobOptions = {},
): Promise<DownloadJob> {
  const node = path.startsWith(`${downloadsRoot}/`) ? await session.findNode(path) : undefined;
  const requestData = node?.binary('request');
  if (!node || !requestData) {
    throw new SatchelError(
      'UNKNOWN_JOB',
      `"${path}" is no download: this step works on the nodes below ${downloadsRoot}.`,
    );
  }
  const request = JSON.parse(Buffer.from(await session.readBinary(requestData)).toString()) as DownloadRequest;
  const outcomesPath = joinPath(path, names.outcomes);
  const ownName = step && outcomesName(step);

  async function plan(): Promise<DownloadPlan> {
    const found = await findPlan(session, path);
    if (found) return found;
    throw new SatchelError('STEP_FAILED', `${path} has no plan yet: place this step after dam/plan-download.`);
  }

  return {
    path,
    initiator: node.text('initiator') ?? '',
    tenant: node.text('tenant') ?? 'global',
    request,
    plan,
    async entries() {
      const { entries } = await plan();
      const current = entries.map(startingPoint);
      // In child order, which is the order the steps first recorded in. A step does not see what an earlier attempt of
      // itself did: it would do it twice.
      for await (const stepNode of session.children(outcomesPath)) {
        if (stepNode.name === ownName) break;
        for await (const chunkNode of session.children(stepNode.path)) {
          const recorded = await readRecord<StepOutcomes>(session, chunkNode.path);
          for (const outcome of recorded?.outcomes ?? [])
            applyOutcome(current, outcome, recorded?.step ?? stepNode.name);
        }
      }
      return current;
    },
    open: (blob) => session.openBinary(blob),
    read: (blob, maxBytes) => session.readBinary(blob, maxBytes),
    createBlob: async (content) => plannedBlob(await session.createBinary(content)),
    async recordOutcomes(outcomes) {
      if (!step || ownName === undefined)
        throw new SatchelError('STEP_FAILED', 'Only a step records outcomes; this download was opened to be read.');
      const { entries } = await plan();
      const unknown = outcomes.find(({ index }) => !entries[index]);
      if (unknown) {
        throw new SatchelError(
          'STEP_FAILED',
          `Step ${step.id} records entry ${unknown.index}; the plan has ${entries.length}.`,
        );
      }
      const record: StepOutcomes = { step: step.id, outcomes };
      const blobs = outcomes.flatMap((outcome) => ('blob' in outcome ? [outcome.blob] : []));
      await saveChanges(session, () => writeRecord(session, `${outcomesPath}/${ownName}/${chunk}`, record, blobs));
    },
    archives: () => findArchives(session, path),
  };
}

/** Of a node name; far below what the repository takes, so that escaping fits. */
const maxNameLength = 150;

/**
 * The node a step's outcomes are kept on: one for each step of the tree of a model, each time it runs. A path below the
 * model becomes one name, so that all steps are siblings, in the order they first recorded in.
 */
function outcomesName({ name, visit }: NonNullable<OpenJobOptions['step']>): string {
  const escaped = name.replace(/[%/~]/g, encodeURIComponent).replaceAll('~', '%7E');
  const short =
    Buffer.byteLength(escaped) <= maxNameLength ? escaped : `~${createHash('sha256').update(name).digest('hex')}`;
  return visit === undefined ? short : `${short}~${visit}`;
}

/** Without what a store may add to it. */
function plannedBlob({ sha256, size, crc32, inline }: PlannedBlob): PlannedBlob {
  return { sha256, size, crc32, ...(inline !== undefined && { inline }) };
}

function startingPoint(entry: PlanEntry): CurrentEntry {
  const blob = entry.content.kind === 'blob' ? entry.content.blob : undefined;
  return { ...entry, blob, failed: undefined, replacedBy: [] };
}

function applyOutcome(entries: CurrentEntry[], outcome: EntryOutcome, step: string): void {
  const entry = entries[outcome.index];
  if (!entry) return;
  if ('failed' in outcome) {
    entries[outcome.index] = { ...entry, blob: undefined, failed: outcome.failed };
    return;
  }
  const { blob, name = entry.name, mimeType = entry.mimeType } = outcome;
  // Making what was missing replaces nothing.
  const replacedBy = entry.blob ? [...entry.replacedBy, step] : entry.replacedBy;
  entries[outcome.index] = { ...entry, blob, name, mimeType, failed: undefined, replacedBy };
}
