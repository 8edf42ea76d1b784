/** The public view of one node record. */
import type { RepositoryNode } from './api.js';
import { nameOf } from './path.js';
import { mixinsOf, primaryTypeOf, textOf, textsOf } from './record.js';
import type { NodeRecord } from './record.js';
import type { StoredNode } from './session-transient.js';
import type { BinaryValue, Property } from './value.js';

export class SessionNode implements RepositoryNode, StoredNode {
  /** Bytes that it is counted with in the cache; see node-cache.ts. */
  weight = 0;
  /** Stored nodes have no pending change; see ViewNode. */
  readonly pending = undefined;

  constructor(
    readonly path: string,
    readonly version: number,
    readonly record: NodeRecord,
  ) {}

  get name(): string {
    return nameOf(this.path);
  }
  get identifier(): string {
    return this.record.identifier;
  }
  get primaryType(): string {
    return primaryTypeOf(this.record);
  }
  get mixins(): readonly string[] {
    return mixinsOf(this.record);
  }
  get properties(): ReadonlyMap<string, Property> {
    return this.record.properties;
  }

  property(name: string): Property | undefined {
    return this.record.properties.get(name);
  }

  text(name: string): string | undefined {
    return textOf(this.record, name);
  }

  texts(name: string): readonly string[] {
    return textsOf(this.record, name);
  }

  number(name: string): number | undefined {
    const value = this.property(name)?.values[0];
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') return Number(value);
    if (typeof value !== 'string' || value.trim() === '') return undefined;
    const number = Number(value);
    return Number.isNaN(number) ? undefined : number;
  }

  boolean(name: string): boolean | undefined {
    const value = this.property(name)?.values[0];
    if (typeof value === 'boolean') return value;
    return value === 'true' ? true : value === 'false' ? false : undefined;
  }

  binary(name: string): BinaryValue | undefined {
    const value = this.property(name)?.values[0];
    return typeof value === 'object' ? value : undefined;
  }
}
