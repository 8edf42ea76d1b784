/**
 * Types of AEM that content packages carry, without the properties that only its own interface needs: what is not said here
 * may be anything. Collections are folders or nt:unstructured (sling:resourceType dam/collection, sling:members below), and
 * subassets are assets in the child `subassets`.
 */
export const aemTypes = String.raw`
<'cq'='http://www.day.com/jcr/cq/1.0'>
<'dam'='http://www.day.com/dam/1.0'>

[dam:Asset] > nt:hierarchyNode
  primaryitem jcr:content
  - * (undefined)
  - * (undefined) multiple
  + jcr:content (nt:base) = dam:AssetContent
  + subassets (nt:base) = nt:folder version
  + * (nt:base) version

[dam:AssetContent] > nt:unstructured
  + metadata (nt:base) = nt:unstructured
  + renditions (nt:base) = nt:folder
  + related (nt:base) = nt:unstructured

[dam:Thumbnails] > nt:unstructured

[cq:Taggable] mixin
  - cq:tags (string)
  - cq:tags (string) multiple

[cq:OwnerTaggable] > cq:Taggable mixin

[cq:LiveSync] mixin
  - * (undefined)
  - * (undefined) multiple
  + * (nt:base)

[cq:ReplicationStatus] mixin
  - cq:lastReplicated (date) ignore
  - cq:lastReplicatedBy (string) ignore
  - cq:lastReplicationAction (string) ignore

[cq:Page] > nt:hierarchyNode orderable
  primaryitem jcr:content
  - * (undefined)
  - * (undefined) multiple
  + jcr:content (nt:base) = cq:PageContent
  + * (nt:base) version

[cq:PageContent] > nt:unstructured

[cq:Component] > nt:folder orderable
  - * (undefined)
  - * (undefined) multiple
  + * (nt:base)

[cq:Template] > nt:hierarchyNode orderable
  - * (undefined)
  - * (undefined) multiple
  + * (nt:base)

[cq:Tag] > mix:title, sling:Folder orderable
  - sling:resourceType (string) = 'cq/tagging/components/tag' autocreated
  + * (nt:base) = cq:Tag version

[cq:ClientLibraryFolder] > sling:Folder

[cq:Dialog] > nt:unstructured

[cq:Panel] > nt:unstructured

[cq:Widget] > nt:unstructured

[cq:WidgetCollection] > nt:unstructured

[cq:WorkflowModel] > nt:unstructured

[cq:WorkflowLauncher] > nt:unstructured

[cq:WorkflowNode] > nt:unstructured

[cq:WorkflowTransition] > nt:unstructured
`;
