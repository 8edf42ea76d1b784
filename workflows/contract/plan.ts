/**
 * A download from request to archive. The plan is pure data made once from a snapshot; steps read it by reference and add
 * what they did beside it (dam/download-job.ts). Nothing here differs from run to run: no ids of the run, no clock.
 */
import type { ErrorCode } from './errors.js';

/** As in the repository's store contract; repeated so that the contract imports no room. */
export interface PlannedBlob {
  readonly sha256: string;
  readonly size: number;
  readonly crc32: number;
  /** Base64 of small content that has no blob of its own. */
  readonly inline?: string;
}

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

/** Parameters of a rendition; the blob they give depends on these, the source's bytes and the renderer alone. */
export interface RenditionSpec {
  /** Pixels; the image fits inside, keeps its proportions and is never enlarged. */
  readonly width: number;
  readonly height: number;
  readonly format: ImageFormat;
  /** 1 to 100, for lossy formats. */
  readonly quality: number;
}

export type PlannedContent =
  | { readonly kind: 'blob'; readonly blob: PlannedBlob }
  | {
      readonly kind: 'render';
      readonly source: PlannedBlob;
      readonly spec: RenditionSpec;
      /** Upper estimate in bytes; counts towards the limits and is checked again when made. */
      readonly estimate: number;
    };

export type EntryKind = 'original' | 'rendition' | 'dynamic';

export interface PlanEntry {
  /** Position in the plan, from 0: the entry's id everywhere. */
  readonly index: number;
  readonly asset: string;
  readonly kind: EntryKind;
  /** `original`, `cq5dam.web.1280.1280.jpeg`, `800x600.webp` */
  readonly rendition: string;
  /** Path in the archive; unique, safe on Windows, macOS and Linux. */
  readonly name: string;
  readonly mimeType: string;
  /** `jcr:lastModified` in UTC, ISO 8601: the entry's time in the archive. */
  readonly modified: string;
  readonly content: PlannedContent;
}

/** Something asked for that is not in the archive, and why. */
export interface Skipped {
  /** Path of the asset or item. */
  readonly path: string;
  readonly rendition?: string;
  readonly code: ErrorCode | 'NOT_DOWNLOADABLE' | 'NO_SUCH_RENDITION' | 'NOT_AN_IMAGE' | 'NO_ORIGINAL';
  readonly reason: string;
}

export interface AppliedLimit {
  readonly value: number;
  /** Tenant and layer it came from. */
  readonly tenant: string;
  readonly layer: string;
}

export type Layout = 'flat' | 'asset' | 'hierarchy' | 'asset-hierarchy';
export const layouts = ['flat', 'asset', 'hierarchy', 'asset-hierarchy'] as const satisfies readonly Layout[];

export interface DownloadPlan {
  readonly format: 1;
  /** Tenant whose templates and workflow apply. */
  readonly tenant: string;
  /** All tenants of the selected assets; the strictest limits of them apply. */
  readonly tenants: readonly string[];
  readonly entries: readonly PlanEntry[];
  readonly skipped: readonly Skipped[];
  readonly limits: { readonly assets: AppliedLimit; readonly bytes: AppliedLimit; readonly partBytes: AppliedLimit };
  readonly totals: {
    readonly assets: number;
    readonly files: number;
    /** Planned bytes of the archives with all their headers, renditions not made yet by their estimate. */
    readonly bytes: number;
    readonly toRender: number;
    /** Whether `bytes` holds estimates. */
    readonly estimated: boolean;
  };
  /** Names and versions of what decides the bytes of renditions, e.g. `sharp 0.35.5, libvips 8.18.0`. */
  readonly renderer: string;
}

/** What a step did to an entry: the bytes that replace what was there, or why it failed. */
export type EntryOutcome =
  | { readonly index: number; readonly blob: PlannedBlob; readonly name?: string; readonly mimeType?: string }
  | { readonly index: number; readonly failed: { readonly code: ErrorCode; readonly message: string } };

/** Outcomes of one step, or one chunk of it. */
export interface StepOutcomes {
  readonly step: string;
  readonly outcomes: readonly EntryOutcome[];
}

/** An entry with its final bytes. */
export interface PackedEntry {
  readonly name: string;
  readonly blob: PlannedBlob;
  readonly modified: string;
}

/** One archive: frozen names, order and bytes; its own bytes follow from it alone. */
export interface ArchivePart {
  /** File name, `aurora-lookbook.zip` or `…-part-2-of-3.zip`. */
  readonly file: string;
  readonly method: 'store' | 'deflate';
  /** Exact bytes of the archive. */
  readonly size: number;
  readonly entries: readonly PackedEntry[];
  /** The finished archive as a blob, where it cannot be laid out ahead (deflate). */
  readonly blob?: PlannedBlob;
}

export interface PackedArchives {
  readonly format: 1;
  readonly parts: readonly ArchivePart[];
  readonly skipped: readonly Skipped[];
}
