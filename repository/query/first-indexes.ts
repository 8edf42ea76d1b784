/** The indexes an empty repository starts with: few, as every save keeps all of them. */
import { grant } from '../access/policy.js';
import { groups } from '../api.js';
import type { Session } from '../api.js';
import type { Property } from '../value.js';
import { indexRoot } from './index-definition.js';

interface FirstIndex {
  readonly type: 'property' | 'fulltext';
  readonly propertyNames?: readonly string[];
  readonly declaringNodeTypes?: readonly string[];
}

const firstIndexes: Readonly<Record<string, FirstIndex>> = {
  nodetype: {
    type: 'property',
    propertyNames: ['jcr:primaryType', 'jcr:mixinTypes'],
    declaringNodeTypes: ['dam:Asset', 'cq:Page', 'cq:Tag', 'rep:Authorizable'],
  },
  assetText: { type: 'fulltext', declaringNodeTypes: ['dam:Asset'] },
  created: { type: 'property', propertyNames: ['jcr:created'] },
  lastModified: { type: 'property', propertyNames: ['jcr:lastModified'] },
  slingResourceType: { type: 'property', propertyNames: ['sling:resourceType'] },
  format: { type: 'property', propertyNames: ['dc:format'] },
  configurationReference: { type: 'property', propertyNames: ['sling:configRef', 'cq:conf'] },
  tags: { type: 'property', propertyNames: ['cq:tags'] },
};

/** The session must be that of the administrator. Not saved. */
export async function createFirstIndexes(session: Session): Promise<void> {
  await session.addNode(indexRoot);
  await grant(session, indexRoot, groups.everyone, ['jcr:read']);
  for (const [name, { type, propertyNames, declaringNodeTypes }] of Object.entries(firstIndexes)) {
    await session.addNode(`${indexRoot}/${name}`, {
      primaryType: 'oak:QueryIndexDefinition',
      properties: {
        type,
        ...(propertyNames && { propertyNames: names(propertyNames) }),
        ...(declaringNodeTypes && { declaringNodeTypes: names(declaringNodeTypes) }),
      },
    });
  }
}

function names(values: readonly string[]): Property {
  return { type: 'Name', multiple: true, values };
}
