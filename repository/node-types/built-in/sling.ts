/**
 * The types of org.apache.sling.jcr.resource and .servlets.resolver (https://sling.apache.org), with one difference: a child
 * of a folder that is added without a type is nt:unstructured, not a folder, as it was before folders had definitions.
 */
export const slingTypes = String.raw`
<'sling'='http://sling.apache.org/jcr/sling/1.0'>

[sling:Resource] mixin
  - sling:resourceType (string)

[sling:ResourceSuperType] mixin
  - sling:resourceSuperType (string)

[sling:Folder] > nt:folder
  - * (undefined)
  - * (undefined) multiple
  + * (nt:base) version

[sling:OrderedFolder] > sling:Folder orderable
  + * (nt:base) version

// Content has one path or several.
[sling:VanityPath] mixin
  - sling:vanityPath (string)
  - sling:vanityPath (string) multiple
  - sling:redirect (boolean)
  - sling:vanityOrder (long)
  - sling:redirectStatus (long)

// Of org.apache.sling.installer.provider.jcr: its properties are an OSGi configuration.
[sling:OsgiConfig] > nt:unstructured, nt:hierarchyNode

[sling:Redirect] > sling:Resource mixin
  - sling:target (undefined)
`;
