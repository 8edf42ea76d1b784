/**
 * A download as it is kept: the node `/var/dam/downloads/<id>` with its request, plan, what steps made of the entries,
 * and the packed archives. Long lists are JSON in Binary properties; each such node also lists the blobs it needs
 * (`satchel:blobs`, a Binary with one SHA-256 a line), which keeps them from being collected.
 *
 *     /var/dam/downloads/<id>              initiator, tenant, state, request, workflowId, created, counts
 *       plan                               data: DownloadPlan
 *       outcomes/<step name>/<chunk>       data: StepOutcomes
 *       archives                           data: PackedArchives
 *       outbox/<hash of address>           one mail each
 */
import type { Readable } from 'node:stream';
import type { DownloadRequest } from '../workflows/contract/download-request.js';
import type { DownloadPlan, EntryOutcome, PackedArchives, PlanEntry, PlannedBlob } from '../workflows/contract/plan.js';

export const downloadsRoot = '/var/dam/downloads';

export type DownloadState = 'queued' | 'running' | 'completed' | 'partial' | 'failed' | 'cancelled';

/** An entry with what the steps so far made of it. */
export interface CurrentEntry extends PlanEntry {
  /** `undefined` while a rendition is not made yet, or failed. */
  readonly blob: PlannedBlob | undefined;
  readonly failed: { readonly code: string; readonly message: string } | undefined;
  /** Steps that replaced its bytes, in order. */
  readonly replacedBy: readonly string[];
}

export interface DownloadJob {
  readonly path: string;
  readonly initiator: string;
  readonly tenant: string;
  readonly request: DownloadRequest;
  /** @throws SatchelError STEP_FAILED while there is no plan yet */
  plan(): Promise<DownloadPlan>;
  /** The plan's entries with the outcomes of all steps that ran before, in plan order. */
  entries(): Promise<readonly CurrentEntry[]>;
  open(blob: PlannedBlob): Readable;
  /** The whole content; for images and other bounded files. */
  read(blob: PlannedBlob, maxBytes?: number): Promise<Uint8Array>;
  /** Streams bytes into the blob store. */
  createBlob(content: AsyncIterable<Uint8Array> | Uint8Array): Promise<PlannedBlob>;
  /** Records what this step (and chunk) did; recording again replaces the earlier record of the same step and chunk. */
  recordOutcomes(outcomes: readonly EntryOutcome[]): Promise<void>;
  archives(): Promise<PackedArchives | undefined>;
}
