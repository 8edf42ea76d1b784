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

/**
 * For every content path all references at and above it, nearest first. One batched read: what lies above several of them is
 * read once. The paths themselves need not exist.
 */
export async function readReferences(
  session: Session,
  contentPaths: readonly string[],
): Promise<ConfigurationReference[][]> {
  const lineages = contentPaths.map((path) => [...selfAndAncestors(assertPath(path))]);
  const holders = [...new Set(lineages.flat())];
  const nodes = await session.findNodes(holders.flatMap((path) => [path, joinPath(path, 'jcr:content')]));
  const references = new Map<string, ConfigurationReference>();
  holders.forEach((path, index) => {
    const value = referenceOf([nodes[2 * index], nodes[2 * index + 1]]);
    if (value !== undefined) references.set(path, { path, value });
  });
  return lineages.map((lineage) => lineage.flatMap((path) => references.get(path) ?? []));
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
 * For every content path the nearest tenant that exists, `global` where there is none. Packages bring references to roots
 * that were never installed; as such a root would hold nothing, its nearest existing parent stands for it.
 */
export async function findTenants(session: Session, contentPaths: readonly string[]): Promise<Tenant[]> {
  const candidates = (await readReferences(session, contentPaths)).map((references) =>
    referencedTenants(references).flatMap(({ root, referencedAt }) =>
      [...selfAndAncestors(root)]
        .filter((path) => path.startsWith(`${configurationRoot}/`))
        .map((path) => tenantAt(path, referencedAt)),
    ),
  );
  const roots = [...new Set(candidates.flat().map(({ root }) => root))];
  const nodes = await session.findNodes(roots);
  const existing = new Set([globalTenant.root, ...roots.filter((_, index) => nodes[index])]);
  return candidates.map((tenants) => tenants.find(({ root }) => existing.has(root)) ?? globalTenant);
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
