/**
 * From content to its tenant, as Sling's context-aware configuration does it: the nearest `sling:configRef` upward from
 * the content path, on the node or its jcr:content; `cq:conf`, AEM's older property, where there is none.
 */
import type { RepositoryNode, Session } from '../api.js';
import { assertPath, joinPath, nameProblem, selfAndAncestors } from '../path.js';
import type { Tenant } from './api.js';
import { configurationRoot, globalTenant, tenantAt } from './layers.js';

export interface ConfigurationReference {
  /** The content path that holds it, without `/jcr:content`. */
  readonly path: string;
  /** Absolute, or relative to the nearest absolute reference above. */
  readonly value: string;
}

/** All references at and above a content path, nearest first, in one batched read. The path itself need not exist. */
export async function readReferences(session: Session, contentPath: string): Promise<ConfigurationReference[]> {
  const holders = [...selfAndAncestors(assertPath(contentPath))];
  const nodes = await session.findNodes(holders.flatMap((path) => [path, joinPath(path, 'jcr:content')]));
  return holders.flatMap((path, index) => {
    const value = referenceOf([nodes[2 * index], nodes[2 * index + 1]]);
    return value === undefined ? [] : [{ path, value }];
  });
}

function referenceOf(nodeAndContent: readonly (RepositoryNode | undefined)[]): string | undefined {
  for (const property of ['sling:configRef', 'cq:conf']) {
    for (const node of nodeAndContent) {
      const value = node?.text(property);
      if (value) return value;
    }
  }
  return undefined;
}

/**
 * The tenants that references name, both nearest first. A reference that leads outside /conf, or a relative one without
 * an absolute one above it, counts as absent.
 */
export function referencedTenants(references: readonly ConfigurationReference[]): Tenant[] {
  return references.flatMap(({ path, value }, index) => {
    const base = value.startsWith('/')
      ? ''
      : references
          .slice(index + 1)
          .filter((above) => above.value.startsWith('/'))
          .map((above) => rootBelowConf(above.value))
          .find((root) => root !== undefined);
    const root = base === undefined ? undefined : rootBelowConf(`${base}/${value}`);
    return root === undefined ? [] : [tenantAt(root, path)];
  });
}

/**
 * The nearest tenant that exists, `global` where there is none. Packages bring references to roots that were never
 * installed; as such a root would hold nothing, its nearest existing parent stands for it.
 */
export async function findTenant(session: Session, contentPath: string): Promise<Tenant> {
  const candidates = referencedTenants(await readReferences(session, contentPath)).flatMap(({ root, referencedAt }) =>
    [...selfAndAncestors(root)]
      .filter((path) => path.startsWith(`${configurationRoot}/`))
      .map((path) => tenantAt(path, referencedAt)),
  );
  const nodes = await session.findNodes(candidates.map(({ root }) => root));
  return candidates.find(({ root }, index) => nodes[index] !== undefined || root === globalTenant.root) ?? globalTenant;
}

/** The path without `.`, `..` and doubled slashes, when it lies below /conf. */
function rootBelowConf(path: string): string | undefined {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') names.pop();
    else if (nameProblem(name) === undefined) names.push(name);
    else return undefined;
  }
  const root = `/${names.join('/')}`;
  return root.startsWith(`${configurationRoot}/`) ? root : undefined;
}
