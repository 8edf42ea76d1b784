import { decodeRecord } from '../record.js';
import type { NodeRecord } from '../record.js';
import type { Property } from '../value.js';

/** A record that is decoded when somebody looks into it: a hit that an index vouches for may never be. */
export class LazyRecord implements NodeRecord {
  #decoded: NodeRecord | undefined;

  constructor(
    private readonly path: string,
    private readonly text: string,
  ) {}

  get identifier(): string {
    return this.#record.identifier;
  }
  get leaf(): boolean | undefined {
    return this.#record.leaf;
  }
  get position(): string | undefined {
    return this.#record.position;
  }
  get properties(): ReadonlyMap<string, Property> {
    return this.#record.properties;
  }

  get #record(): NodeRecord {
    return (this.#decoded ??= decodeRecord(this.path, this.text));
  }
}
