/** What a node type has from its supertypes. */
import type { ChildDefinition, NodeTypeDefinition, PropertyDefinition } from './definition.js';
import type { NodeTypeRegistry } from './registry.js';
import { writeChild, writeProperty } from './write-cnd.js';

export interface InheritedDefinition {
  /** The supertype that holds it. */
  readonly from: string;
  /** In CND. */
  readonly definition: string;
}

/** Definitions of the supertypes, the nearest first, without those that the type or a nearer one gives another meaning. */
export function inheritedDefinitions(types: NodeTypeRegistry, name: string): InheritedDefinition[] {
  const inherited: InheritedDefinition[] = [];
  const defined = new Set<string>();
  for (const type of types.closureOf(name).flatMap((known) => types.get(known) ?? [])) {
    for (const { key, definition } of definitionsOf(type)) {
      if (type.name !== name && !defined.has(key)) inherited.push({ from: type.name, definition });
    }
    for (const { key } of definitionsOf(type)) defined.add(key);
  }
  return inherited;
}

/** Definitions for every name stand beside each other, so each is its own. */
function definitionsOf({ properties, children }: NodeTypeDefinition): { key: string; definition: string }[] {
  const keyOf = (kind: string, name: string, definition: string) => (name === '*' ? definition : `${kind}${name}`);
  return [
    ...properties.map((property: PropertyDefinition) => {
      const definition = writeProperty(property);
      return { key: keyOf(property.multiple ? '-[]' : '-', property.name, definition), definition };
    }),
    ...children.map((child: ChildDefinition) => {
      const definition = writeChild(child);
      return { key: keyOf('+', child.name, definition), definition };
    }),
  ];
}

/** CND of a type with what it inherits as comments, so that the text still says the type alone. */
export function writeWithInherited(types: NodeTypeRegistry, name: string): string {
  const lines = [types.cnd([name]).trimEnd()];
  let from = '';
  for (const inherited of inheritedDefinitions(types, name)) {
    if (inherited.from !== from) lines.push(`  // from ${inherited.from}`);
    from = inherited.from;
    // A default or constraint may go over lines.
    lines.push(...inherited.definition.split(/\r\n|[\r\n]/).map((line) => `  //   ${line}`));
  }
  return `${lines.join('\n')}\n`;
}
