/** Node types as records: `t<name>` holds the CND text of one registered type with the namespaces it uses. */
import { nodeTypeEpochKey } from '../keys.js';
import { nodeTypeKeys } from '../keys.js';
import type { StoreSnapshot } from '../store/contract.js';
import type { NodeTypeDefinition } from './definition.js';
import { parseCnd } from './parse-cnd.js';
import { NodeTypeRegistry } from './registry.js';

/** The types of a snapshot, valid for every snapshot with the same version of the epoch record. */
export interface NodeTypeState {
  readonly epoch: number;
  readonly registry: NodeTypeRegistry;
}

/** Keeps the newest state, which nearly every session shares. */
export class NodeTypeCache {
  #newest: NodeTypeState = { epoch: 0, registry: new NodeTypeRegistry({ namespaces: new Map(), types: [] }) };

  async stateOf(snapshot: StoreSnapshot): Promise<NodeTypeState> {
    const [record] = await snapshot.getMany([nodeTypeEpochKey]);
    return this.stateAt(snapshot, record?.version ?? 0);
  }

  /** @param epoch version of the epoch record in the snapshot, 0 where there is none */
  async stateAt(snapshot: StoreSnapshot, epoch: number): Promise<NodeTypeState> {
    if (this.#newest.epoch === epoch) return this.#newest;
    const state = { epoch, registry: await loadRegistry(snapshot) };
    // A session that stays on an old snapshot must not push out what the others share.
    if (epoch > this.#newest.epoch) this.#newest = state;
    return state;
  }
}

async function loadRegistry(snapshot: StoreSnapshot): Promise<NodeTypeRegistry> {
  const namespaces = new Map<string, string>();
  const types: NodeTypeDefinition[] = [];
  for await (const batch of snapshot.range(nodeTypeKeys)) {
    for (const { value } of batch) {
      const document = parseCnd(value);
      for (const [prefix, uri] of document.namespaces) namespaces.set(prefix, uri);
      types.push(...document.types);
    }
  }
  return new NodeTypeRegistry({ namespaces, types });
}
