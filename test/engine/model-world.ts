/** A repository with workflow models in it, as trees, and steps of all sorts to name. */
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../activities/define-step.js';
import { createStepRegistry } from '../../activities/registry.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { examineModel, type ExaminedModel } from '../../engine/model-loader.js';
import { adminUser, type Repository, type Session } from '../../repository/api.js';
import type { OverlayResolver } from '../../repository/overlay/api.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { joinPath } from '../../repository/path.js';
import { openRepository } from '../../repository/repository.js';
import type { PropertyInput } from '../../repository/value.js';
import { createMemoryBlobStore, createMemoryNodeStore } from '../support/memory-store.js';

const none = { title: '', description: '', result: z.null(), examples: [], run: () => Promise.resolve(null) };
const nothing = z.strictObject({});

export const registry = createStepRegistry();
for (const step of [
  defineStep({ ...none, id: 'test/plain', title: 'Plain', config: nothing }),
  defineStep({ ...none, id: 'test/quick', title: 'Quick', config: nothing, local: true }),
  defineStep({
    ...none,
    id: 'test/sized',
    title: 'Sized',
    config: z.strictObject({ width: z.int().default(1), text: z.string().optional() }),
  }),
  ...['dam/plan-download', 'dam/render', 'dam/package', 'dam/deliver'].map((id) =>
    defineStep({ ...none, id, title: id, config: nothing }),
  ),
  defineStep({ ...none, id: 'notify/email', title: 'Send e-mail', config: z.strictObject({ template: z.string() }) }),
]) {
  registry.register(step, `${step.id}.ts`);
}

export interface Tree {
  readonly [name: string]: PropertyInput | Tree;
}

const isTree = (value: PropertyInput | Tree): value is Tree =>
  typeof value === 'object' && !Array.isArray(value) && !('values' in value) && !(value instanceof Date);

/** `jcr:primaryType` says the type; without one it is nt:unstructured. */
export async function addTree(session: Session, path: string, tree: Tree): Promise<void> {
  const { 'jcr:primaryType': type, ...rest } = tree;
  const properties = Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, PropertyInput] => !isTree(entry[1])),
  );
  await session.ensureNode(path, { primaryType: typeof type === 'string' ? type : 'nt:unstructured' }, 'sling:Folder');
  await session.setProperties(path, properties);
  for (const [name, child] of Object.entries(tree))
    if (isTree(child)) await addTree(session, joinPath(path, name), child);
}

export const typed =
  (kind: string) =>
  (tree: Tree): Tree => ({ 'jcr:primaryType': `satchel:Workflow${kind}`, ...tree });
export const model = typed('Model');
export const step = typed('Step');
export const and = typed('AndSplit');
export const or = typed('OrSplit');
export const branch = typed('Branch');
export const goto = typed('Goto');
export const participant = typed('Participant');
export const container = typed('Container');
export const external = typed('External');

/** Below `/libs`. */
export const modelRoot = '/libs/settings/workflow/models';

export interface ModelWorld {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
  readonly session: Session;
  examine(id: string, tenant?: string): Promise<ExaminedModel>;
}

/** @param content trees by path; there is a tenant `aurora` */
export async function modelWorld(content: Readonly<Record<string, Tree>>): Promise<ModelWorld> {
  const repository = await openRepository({ nodes: createMemoryNodeStore(), blobs: createMemoryBlobStore() });
  onTestFinished(() => repository.close());
  await bootstrapRepository(repository);
  const overlay = createOverlayResolver({ repository });
  const session = await repository.login(adminUser);
  onTestFinished(() => session.close());
  await session.ensureNode('/conf/aurora/settings', { primaryType: 'sling:Folder' }, 'sling:Folder');
  for (const [path, tree] of Object.entries(content)) await addTree(session, path, tree);
  await session.save();
  return {
    repository,
    overlay,
    session,
    examine: async (id, tenant = 'aurora') =>
      examineModel({ overlay, registry }, session, await overlay.tenant(session, tenant), id),
  };
}
