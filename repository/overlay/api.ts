/**
 * Overlay resolution: everything an administrator may change is read through this. "Which layers" (layers.ts) is kept
 * apart from "how they merge" (merge.ts), as in Sling's resource merger.
 */
import type { Property } from '../value.js';
import type { Session } from '../api.js';
import type { ConfigurationCollection, ResolvedConfiguration } from './configuration.js';
import type { OverriddenResource } from './override.js';

/** One place a resource may come from, e.g. root `/conf/aurora/settings`, label `/conf/aurora`. */
export interface Layer {
  readonly root: string;
  /** How people name it: `/libs`, `/apps`, `/conf/global`, `/conf/aurora`. */
  readonly label: string;
}

export interface MergedProperty {
  readonly property: Property;
  /** Label of the layer that owns the value. */
  readonly layer: string;
  /** Path of the node in that layer. */
  readonly source: string;
  /** What it hides: the values of the layers below, base first. Absent when there are none. */
  readonly overrides?: readonly Omit<MergedProperty, 'overrides'>[];
}

/** A child or property that a layer hides. */
export interface HiddenItem {
  readonly kind: 'child' | 'property';
  readonly name: string;
  /** Label of the layer that hides it. */
  readonly by: string;
  /** Labels of the layers whose parts it hides, base first; the hiding layer itself when that holds one. */
  readonly of: readonly string[];
}

/** A resource as the overlay shows it, with everything below it. */
export interface MergedResource {
  readonly name: string;
  /** Relative to the layers' roots, `dam/workflow/…`; `''` for the root itself. */
  readonly path: string;
  readonly properties: ReadonlyMap<string, MergedProperty>;
  /** In child order. */
  readonly children: readonly MergedResource[];
  /** Labels of the layers that hold this node and are not hidden, base first. */
  readonly layers: readonly string[];
  /** What the overlay hides here. */
  readonly hidden: readonly HiddenItem[];
  child(name: string): MergedResource | undefined;
  descendant(relativePath: string): MergedResource | undefined;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  number(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
}

/** A configuration root below /conf that content refers to. */
export interface Tenant {
  /** Path below /conf: `aurora`, `emea/aurora`; `global` when content names none. */
  readonly name: string;
  /** `/conf/aurora` */
  readonly root: string;
  /** The content path whose `sling:configRef` or `cq:conf` named it; `undefined` for `global`. */
  readonly referencedAt: string | undefined;
}

export interface OverlayResolver {
  /**
   * The tenant of a content path: the nearest ancestor (the node or its jcr:content) with a reference to a configuration
   * root that exists, or whose parent does.
   */
  tenantOf(session: Session, contentPath: string): Promise<Tenant>;
  /** The tenants of many content paths, in their order, in one batched read. */
  tenantsOf(session: Session, contentPaths: readonly string[]): Promise<Tenant[]>;
  /** A tenant by name. @throws PATH_NOT_FOUND when /conf/<name> does not exist (`global` always does) */
  tenant(session: Session, name: string): Promise<Tenant>;
  /** Layers of `settings` for a tenant, topmost first: tenant, its /conf parents, /conf/global, /apps, /libs. */
  settingsLayers(tenant: Tenant): readonly Layer[];
  /** Merged `settings/<path>` for a tenant; `undefined` when no layer has it or it is hidden. Cached, follows the journal. */
  settings(session: Session, tenant: Tenant, path: string): Promise<MergedResource | undefined>;
  /** Merged `/apps` over `/libs` for a path relative to them. */
  searchPath(session: Session, path: string): Promise<MergedResource | undefined>;
  /** The layers of the search path, topmost first. */
  searchPathLayers(): readonly Layer[];
  /** Merged along `sling:resourceSuperType`, for an absolute path. */
  override(session: Session, path: string): Promise<OverriddenResource>;
  /** The context-aware configuration (`sling:configs`) of that name for content. */
  configuration(session: Session, contentPath: string, name: string): Promise<ResolvedConfiguration>;
  /** The context-aware configurations below that name. */
  configurations(session: Session, contentPath: string, name: string): Promise<ConfigurationCollection>;
}
