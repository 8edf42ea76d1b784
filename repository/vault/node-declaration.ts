/** What a content file says of a node, whatever its syntax. */
import type { Property } from '../value.js';

export interface NodeDeclaration {
  /** `''` for the node the file stands for. */
  readonly name: string;
  /** 1-based line of the file. */
  readonly line: number;
  /** No properties at all: names a child's place among its siblings, and does not ask for it to exist. */
  readonly orderOnly: boolean;
  /** Includes jcr:primaryType and jcr:mixinTypes where given. */
  readonly properties: ReadonlyMap<string, Property>;
  /** Names of Binary properties whose bytes are in a file of their own. */
  readonly binaries: readonly string[];
  /** Multi-valued Binary properties, and how many values, each with its bytes in a file of its own. */
  readonly binaryLists?: ReadonlyMap<string, number>;
  /** In child order. */
  readonly children: readonly NodeDeclaration[];
}
