/**
 * Users and access control as Jackrabbit Oak has them, laid out as users.ts and access/ do: neither is protected, because both
 * are written as content; principals are not referenceable, and a group lists its members by id.
 */
export const repTypes = String.raw`
<'rep'='internal'>

[rep:root] > nt:unstructured

[rep:AccessControllable] mixin

[rep:Policy] abstract

[rep:ACL] > rep:Policy orderable
  + * (rep:ACE) = rep:GrantACE ignore

[rep:ACE] abstract
  - rep:principalName (string) mandatory
  - rep:privileges (name) multiple mandatory
  - * (undefined)
  - * (undefined) multiple
  + rep:restrictions (rep:Restrictions) = rep:Restrictions

[rep:GrantACE] > rep:ACE

[rep:DenyACE] > rep:ACE

[rep:Restrictions]
  - * (undefined)
  - * (undefined) multiple

[rep:Authorizable] > nt:hierarchyNode abstract orderable
  - rep:principalName (string) mandatory
  - * (undefined)
  - * (undefined) multiple
  + * (nt:base) = nt:unstructured version

[rep:User] > rep:Authorizable

[rep:SystemUser] > rep:User

[rep:Group] > rep:Authorizable

[rep:AuthorizableFolder] > nt:hierarchyNode
  + * (rep:Authorizable) = rep:User version
  + * (rep:AuthorizableFolder) = rep:AuthorizableFolder version
`;
