/**
 * The built-in node types: JCR 2.0 section 3.7.11, Sling, and those of AEM that content packages carry. An unknown type is
 * taken as `nt:unstructured` is, so that foreign content can be stored; every question goes through `nodeType`.
 */
export interface NodeType {
  readonly name: string;
  readonly mixin: boolean;
  /** Cannot be the primary type of a node. */
  readonly abstract: boolean;
  /** Children keep the order they were given. */
  readonly orderable: boolean;
  /** Direct supertypes; `nt:base` is implied for primary types. */
  readonly supertypes: readonly string[];
}

type Definition = Partial<Pick<NodeType, 'mixin' | 'abstract' | 'orderable' | 'supertypes'>>;

const mixin: Definition = { mixin: true };
const orderable: Definition = { orderable: true };

const definitions: Readonly<Record<string, Definition>> = {
  'nt:base': { abstract: true },
  'nt:hierarchyNode': { abstract: true, supertypes: ['mix:created'] },
  'nt:unstructured': orderable,
  'nt:folder': { supertypes: ['nt:hierarchyNode'] },
  'nt:file': { supertypes: ['nt:hierarchyNode'] },
  'nt:linkedFile': { supertypes: ['nt:hierarchyNode'] },
  'nt:resource': { supertypes: ['mix:mimeType', 'mix:lastModified'] },
  'oak:Resource': { supertypes: ['mix:mimeType', 'mix:lastModified'] },
  'oak:Unstructured': {},

  'mix:created': mixin,
  'mix:language': mixin,
  'mix:lastModified': mixin,
  'mix:lockable': mixin,
  'mix:mimeType': mixin,
  'mix:referenceable': mixin,
  'mix:shareable': { mixin: true, supertypes: ['mix:referenceable'] },
  'mix:simpleVersionable': mixin,
  'mix:title': mixin,
  'mix:versionable': { mixin: true, supertypes: ['mix:simpleVersionable', 'mix:referenceable'] },
  'rep:AccessControllable': mixin,
  'sling:Resource': mixin,
  'sling:VanityPath': mixin,
  'cq:Taggable': mixin,
  'cq:LiveSync': mixin,
  'cq:ReplicationStatus': mixin,

  'sling:Folder': { supertypes: ['nt:folder'] },
  'sling:OrderedFolder': { orderable: true, supertypes: ['sling:Folder'] },

  'dam:Asset': { supertypes: ['nt:hierarchyNode'] },
  'dam:AssetContent': orderable,
  'dam:Thumbnails': orderable,
  'cq:Page': { orderable: true, supertypes: ['nt:hierarchyNode'] },
  'cq:PageContent': orderable,
  'cq:Component': { orderable: true, supertypes: ['nt:folder'] },
  'cq:Template': { orderable: true, supertypes: ['nt:hierarchyNode'] },
  'cq:Tag': { orderable: true, supertypes: ['sling:Folder'] },
  'cq:ClientLibraryFolder': { supertypes: ['sling:Folder'] },
  'cq:Dialog': orderable,
  'cq:Panel': orderable,
  'cq:Widget': orderable,
  'cq:WidgetCollection': orderable,
  'cq:WorkflowModel': orderable,
  'cq:WorkflowNode': orderable,
  'cq:WorkflowTransition': orderable,

  'rep:root': orderable,
  'rep:Authorizable': { abstract: true, orderable: true, supertypes: ['nt:hierarchyNode'] },
  'rep:AuthorizableFolder': { supertypes: ['nt:hierarchyNode'] },
  'rep:User': { orderable: true, supertypes: ['rep:Authorizable'] },
  'rep:SystemUser': { orderable: true, supertypes: ['rep:Authorizable'] },
  'rep:Group': { orderable: true, supertypes: ['rep:Authorizable'] },
  'rep:ACL': orderable,
  'rep:GrantACE': {},
  'rep:DenyACE': {},
  'rep:Restrictions': {},

  'satchel:WorkflowModel': orderable,
  'satchel:WorkflowStep': orderable,
};

export function nodeType(name: string): NodeType {
  return known.get(name) ?? { ...unstructured, name };
}

export function isKnownNodeType(name: string): boolean {
  return known.has(name);
}

/** Whether a node of these types is of `wanted`, by itself or through a supertype or mixin. */
export function isNodeType(primaryType: string, mixins: readonly string[], wanted: string): boolean {
  if (wanted === 'nt:base') return true;
  return [primaryType, ...mixins].some((name) => name === wanted || inherits(name, wanted));
}

function inherits(name: string, wanted: string): boolean {
  return nodeType(name).supertypes.some((supertype) => supertype === wanted || inherits(supertype, wanted));
}

const known: ReadonlyMap<string, NodeType> = new Map(
  Object.entries(definitions).map(([name, definition]) => [
    name,
    { name, mixin: false, abstract: false, orderable: false, supertypes: [], ...definition },
  ]),
);

const unstructured: NodeType = {
  name: 'nt:unstructured',
  mixin: false,
  abstract: false,
  orderable: true,
  supertypes: [],
};
