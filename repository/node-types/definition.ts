/** What a node type says (JCR 2.0, section 3.7), as data. */
import type { PropertyType } from '../value.js';

export const onParentVersionActions = ['COPY', 'VERSION', 'INITIALIZE', 'COMPUTE', 'IGNORE', 'ABORT'] as const;
export type OnParentVersion = (typeof onParentVersionActions)[number];

interface ItemDefinition {
  /** `*` stands for every name that the type does not define otherwise (a residual definition). */
  readonly name: string;
  readonly mandatory: boolean;
  readonly autocreated: boolean;
  /** Set by the repository, never by users. */
  readonly protected: boolean;
  /** What versioning the parent does with the item (JCR 2.0, section 3.13.9). */
  readonly onParentVersion: OnParentVersion;
}

export interface PropertyDefinition extends ItemDefinition {
  readonly type: PropertyType | 'Undefined';
  readonly multiple: boolean;
  /** As text; more than one only where `multiple`. */
  readonly defaults: readonly string[];
  /** Alternatives, by type (JCR 2.0, section 3.7.3.6): patterns, ranges, names, paths, node types. None: everything. */
  readonly constraints: readonly string[];
  /** What queries may ask of it (JCR 2.0, section 3.7.3.3 to 3.7.3.5); `undefined`: every operator. */
  readonly queryOperators: readonly string[] | undefined;
  readonly fullTextSearchable: boolean;
  readonly queryOrderable: boolean;
}

export interface ChildDefinition extends ItemDefinition {
  /** The child must be of all of them. */
  readonly requiredTypes: readonly string[];
  /** The type of a child that is added without one. */
  readonly defaultType: string | undefined;
}

export interface NodeTypeDefinition {
  readonly name: string;
  /** Direct supertypes; `nt:base` is implied for primary types. */
  readonly supertypes: readonly string[];
  readonly mixin: boolean;
  /** Cannot be the type of a node itself. */
  readonly abstract: boolean;
  /** Children keep the order they were given. */
  readonly orderable: boolean;
  readonly queryable: boolean;
  readonly primaryItem: string | undefined;
  readonly properties: readonly PropertyDefinition[];
  readonly children: readonly ChildDefinition[];
}

/** URIs by prefix. */
export type Namespaces = ReadonlyMap<string, string>;

export interface NodeTypeDocument {
  readonly namespaces: Namespaces;
  readonly types: readonly NodeTypeDefinition[];
  /** The line on which each type begins, 1-based, where it was read from a text. */
  readonly lines?: ReadonlyMap<string, number>;
}
