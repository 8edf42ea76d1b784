/**
 * JCR 2.0, section 3.7.11, as Jackrabbit Oak has it. Differences: a `rep:policy` may lie below every node, as though each
 * were rep:AccessControllable; and nt:resource is not referenceable, as the specification has it.
 */
export const jcrTypes = String.raw`
<'jcr'='http://www.jcp.org/jcr/1.0'>
<'nt'='http://www.jcp.org/jcr/nt/1.0'>
<'mix'='http://www.jcp.org/jcr/mix/1.0'>
<'oak'='http://jackrabbit.apache.org/oak/ns/1.0'>

[nt:base] abstract
  - jcr:primaryType (name) mandatory autocreated protected compute
  - jcr:mixinTypes (name) protected multiple compute
  + rep:policy (rep:Policy) ignore

[nt:unstructured] orderable
  - * (undefined) multiple
  - * (undefined)
  + * (nt:base) = nt:unstructured sns version

[oak:Unstructured]
  - * (undefined) multiple
  - * (undefined)
  + * (nt:base) = oak:Unstructured version

[mix:created] mixin
  - jcr:created (date) autocreated protected
  - jcr:createdBy (string) autocreated protected

[mix:lastModified] mixin
  - jcr:lastModified (date) autocreated
  - jcr:lastModifiedBy (string) autocreated

[mix:etag] mixin
  - jcr:etag (string) protected

[mix:language] mixin
  - jcr:language (string)

[mix:mimeType] mixin
  - jcr:mimeType (string)
  - jcr:encoding (string)

[mix:title] mixin
  - jcr:title (string)
  - jcr:description (string)

[mix:referenceable] mixin
  - jcr:uuid (string) mandatory autocreated protected initialize

[mix:shareable] > mix:referenceable mixin

[mix:lockable] mixin
  - jcr:lockOwner (string) protected ignore
  - jcr:lockIsDeep (boolean) protected ignore

[mix:simpleVersionable] mixin
  - jcr:isCheckedOut (boolean) = 'true' mandatory autocreated protected ignore

[mix:versionable] > mix:simpleVersionable, mix:referenceable mixin
  - jcr:versionHistory (reference) mandatory protected ignore < 'nt:versionHistory'
  - jcr:baseVersion (reference) mandatory protected ignore < 'nt:version'
  - jcr:predecessors (reference) mandatory protected multiple ignore < 'nt:version'
  - jcr:mergeFailed (reference) protected multiple abort < 'nt:version'
  - jcr:activity (reference) protected < 'nt:activity'
  - jcr:configuration (reference) protected ignore < 'nt:configuration'

[mix:lifecycle] mixin
  - jcr:lifecyclePolicy (reference) protected initialize
  - jcr:currentLifecycleState (string) protected initialize

[nt:hierarchyNode] > mix:created abstract

[nt:folder] > nt:hierarchyNode
  + * (nt:hierarchyNode) version

[nt:file] > nt:hierarchyNode
  primaryitem jcr:content
  + jcr:content (nt:base) mandatory

[nt:linkedFile] > nt:hierarchyNode
  primaryitem jcr:content
  - jcr:content (reference) mandatory

[nt:resource] > mix:mimeType, mix:lastModified
  primaryitem jcr:data
  - jcr:data (binary) mandatory

// Packages bring metadata below it.
[oak:Resource] > mix:mimeType, mix:lastModified
  primaryitem jcr:data
  - jcr:data (binary) mandatory
  + * (nt:base)

[nt:query]
  - statement (string)
  - language (string)

[nt:activity]
  - jcr:activityTitle (string) mandatory autocreated protected

[nt:configuration] > mix:versionable
  - jcr:root (reference) mandatory autocreated protected

[nt:versionHistory] > mix:referenceable
  - jcr:versionableUuid (string) mandatory autocreated protected abort
  - jcr:copiedFrom (weakreference) protected abort < 'nt:version'
  + jcr:rootVersion (nt:version) = nt:version mandatory autocreated protected abort
  + jcr:versionLabels (nt:versionLabels) = nt:versionLabels mandatory autocreated protected abort
  + * (nt:version) = nt:version protected abort

[nt:versionLabels]
  - * (reference) protected abort < 'nt:version'

[nt:version] > mix:referenceable
  - jcr:created (date) mandatory autocreated protected abort
  - jcr:predecessors (reference) protected multiple abort < 'nt:version'
  - jcr:successors (reference) protected multiple abort < 'nt:version'
  - jcr:activity (reference) protected abort < 'nt:activity'
  + jcr:frozenNode (nt:frozenNode) protected abort

[nt:frozenNode] > mix:referenceable orderable
  - jcr:frozenPrimaryType (name) mandatory autocreated protected abort
  - jcr:frozenMixinTypes (name) protected multiple abort
  - jcr:frozenUuid (string) mandatory autocreated protected abort
  - * (undefined) protected abort
  - * (undefined) multiple protected abort
  + * (nt:base) protected sns abort

[nt:versionedChild]
  - jcr:childVersionHistory (reference) mandatory autocreated protected abort < 'nt:versionHistory'
`;
