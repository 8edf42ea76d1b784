/** All node types as one snapshot has them: the built-in ones and those that were registered. It never changes. */
import { builtInTypes } from './built-in/built-in-types.js';
import type { Namespaces, NodeTypeDefinition, NodeTypeDocument } from './definition.js';
import { EffectiveNodeType } from './effective-node-type.js';
import { namespacesOf, writeCnd } from './write-cnd.js';

/** Combinations of types kept ready; content has some dozens. */
const maxEffectiveTypes = 2000;

/**
 * A type it does not know is taken as nt:unstructured is, so that foreign content can be stored; it counts as its own name
 * and nt:base.
 */
export class NodeTypeRegistry {
  readonly namespaces: Namespaces;
  readonly #types: ReadonlyMap<string, NodeTypeDefinition>;
  readonly #closures = new Map<string, readonly string[]>();
  readonly #effective = new Map<string, EffectiveNodeType>();

  constructor(registered: NodeTypeDocument) {
    this.namespaces = new Map([...registered.namespaces, ...builtInTypes.namespaces]);
    this.#types = new Map([...registered.types, ...builtInTypes.types].map((type) => [type.name, type]));
  }

  /** Names in alphabetical order. */
  names(): string[] {
    return [...this.#types.keys()].sort();
  }

  get(name: string): NodeTypeDefinition | undefined {
    return this.#types.get(name);
  }

  isBuiltIn(name: string): boolean {
    return builtInTypes.types.some((type) => type.name === name);
  }

  /** CND text of the named types, or of all that were registered, with their namespaces. Names that are unknown are left out. */
  cnd(names = this.names().filter((name) => !this.isBuiltIn(name))): string {
    const types = names.flatMap((name) => this.#types.get(name) ?? []);
    return writeCnd({ namespaces: namespacesOf(types, this.namespaces), types });
  }

  isOrderable(primaryType: string): boolean {
    if (!this.#types.has(primaryType)) return true;
    return this.closureOf(primaryType).some((name) => this.#types.get(name)?.orderable);
  }

  /** Whether a node of these types is of `wanted`, by itself or through a supertype or mixin. */
  isNodeType(primaryType: string, mixins: readonly string[], wanted: string): boolean {
    if (wanted === 'nt:base' || wanted === primaryType) return true;
    if (this.closureOf(primaryType).includes(wanted)) return true;
    return mixins.some((name) => name === wanted || this.closureOf(name).includes(wanted));
  }

  effective(primaryType: string, mixins: readonly string[]): EffectiveNodeType {
    const key = mixins.length === 0 ? primaryType : [primaryType, ...mixins].join('\0');
    const known = this.#effective.get(key);
    if (known) return known;
    const effective = this.#merge(primaryType, mixins);
    // Foreign content may have any number of types.
    if (this.#effective.size >= maxEffectiveTypes) this.#effective.clear();
    this.#effective.set(key, effective);
    return effective;
  }

  /** The type and its supertypes, each before its own supertypes. */
  closureOf(name: string): readonly string[] {
    const known = this.#closures.get(name);
    if (known) return known;
    const type = this.#types.get(name);
    if (!type) return name === '' ? [] : [name, 'nt:base'];
    const closure = new Set<string>();
    const open = [name];
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      if (closure.has(next)) continue;
      closure.add(next);
      open.push(...(this.#types.get(next)?.supertypes ?? []));
    }
    if (!type.mixin) closure.add('nt:base');
    const names = [...closure];
    this.#closures.set(name, names);
    return names;
  }

  #merge(primaryType: string, mixins: readonly string[]): EffectiveNodeType {
    const types = new Set([primaryType, ...mixins].flatMap((name) => this.closureOf(name)));
    const stands = this.#types.has(primaryType) ? [] : this.closureOf('nt:unstructured');
    const known = [...new Set([...stands, ...types])].flatMap((name) => this.#types.get(name) ?? []);
    return new EffectiveNodeType({
      types,
      known,
      open: mixins.some((name) => !this.#types.has(name)),
      problem: this.#problemOf(primaryType, mixins) ?? this.#contradiction(known),
    });
  }

  #problemOf(primaryType: string, mixins: readonly string[]): string | undefined {
    const primary = this.#types.get(primaryType);
    if (primary?.mixin || primary?.abstract) {
      return `cannot have the ${primary.mixin ? 'mixin' : 'abstract'} type ${primaryType} as primary type`;
    }
    // Only a type that is known can be known not to be a mixin.
    const wrong = mixins.find((name) => this.#types.get(name)?.mixin === false);
    if (wrong !== undefined) return `cannot have the primary type ${wrong} as a mixin`;
    const abstract = mixins.find((name) => this.#types.get(name)?.abstract);
    return abstract === undefined ? undefined : `cannot have the abstract type ${abstract} as a mixin`;
  }

  /** Two types, neither inheriting from the other, that want the same property to be different things. */
  #contradiction(known: readonly NodeTypeDefinition[]): string | undefined {
    const holders = new Map<string, NodeTypeDefinition[]>();
    for (const type of known) {
      for (const name of new Set(type.properties.map((property) => property.name))) {
        if (name !== '*') holders.set(name, [...(holders.get(name) ?? []), type]);
      }
    }
    for (const [name, types] of holders) {
      for (const [index, one] of types.entries()) {
        for (const other of types.slice(index + 1)) {
          const related =
            this.closureOf(one.name).includes(other.name) || this.closureOf(other.name).includes(one.name);
          if (!related && !agree(one, other, name)) {
            return `cannot be of the types ${one.name} and ${other.name} together: they define the property ${name} differently`;
          }
        }
      }
    }
    return undefined;
  }
}

function agree(one: NodeTypeDefinition, other: NodeTypeDefinition, name: string): boolean {
  const others = other.properties.filter((property) => property.name === name);
  return one.properties
    .filter((property) => property.name === name)
    .some(({ type, multiple }) =>
      others.some(
        (match) => match.multiple === multiple && (match.type === type || [match.type, type].includes('Undefined')),
      ),
    );
}
