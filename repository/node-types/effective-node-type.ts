/** What the primary type and the mixins of a node say together (JCR 2.0, section 3.7.6.5), worked out once per combination. */
import type { Property } from '../value.js';
import type { ChildDefinition, NodeTypeDefinition, PropertyDefinition } from './definition.js';

/** A definition and the type that holds it, for messages. */
export interface Declared<Definition> {
  readonly by: string;
  readonly definition: Definition;
}

export interface EffectiveNodeTypeParts {
  /** Every type the node is of, those of its supertypes with it. */
  readonly types: ReadonlySet<string>;
  /** The definitions of the types that are known: each type before its supertypes, the primary type before the mixins. */
  readonly known: readonly NodeTypeDefinition[];
  /** Some mixin is not known, so nothing can be known to be forbidden. */
  readonly open: boolean;
  /** Why no node can have these types together, if so. */
  readonly problem: string | undefined;
}

export class EffectiveNodeType {
  readonly types: ReadonlySet<string>;
  readonly open: boolean;
  readonly problem: string | undefined;
  readonly mandatoryProperties: readonly Declared<PropertyDefinition>[];
  readonly mandatoryChildren: readonly Declared<ChildDefinition>[];
  readonly autocreatedProperties: readonly PropertyDefinition[];
  readonly autocreatedChildren: readonly ChildDefinition[];
  /** Whether no property beside jcr:primaryType and jcr:mixinTypes needs a look: any name, type and value will do. */
  readonly takesAnyProperty: boolean;
  readonly #properties = new Map<string, Declared<PropertyDefinition>[]>();
  readonly #children = new Map<string, Declared<ChildDefinition>[]>();

  constructor({ types, known, open, problem }: EffectiveNodeTypeParts) {
    this.types = types;
    this.open = open;
    for (const { name: by, properties, children } of known) {
      for (const definition of properties) add(this.#properties, definition.name, { by, definition });
      for (const definition of children) add(this.#children, definition.name, { by, definition });
    }
    this.problem = problem;
    const properties = [...this.#properties].flatMap(([name, declared]) => (name === '*' ? [] : declared));
    // The repository itself sees to what it protects.
    this.mandatoryProperties = properties.filter(({ definition }) => definition.mandatory && !definition.protected);
    this.autocreatedProperties = properties.flatMap(({ definition }) => (definition.autocreated ? [definition] : []));
    const children = [...this.#children].flatMap(([name, declared]) => (name === '*' ? [] : declared.slice(0, 1)));
    this.mandatoryChildren = children.filter(({ definition }) => definition.mandatory && !definition.protected);
    this.autocreatedChildren = children.flatMap(({ definition }) =>
      definition.autocreated && !definition.protected && definition.defaultType !== undefined ? [definition] : [],
    );
    this.takesAnyProperty =
      properties.every(({ by }) => by === 'nt:base') &&
      [true, false].every((multiple) =>
        this.#properties
          .get('*')
          ?.some(({ definition }) => definition.multiple === multiple && isUnbounded(definition)),
      );
  }

  /** Definitions of a property by its name, which keep those for every name out. */
  namedProperty(name: string): readonly Declared<PropertyDefinition>[] {
    return name === '*' ? [] : (this.#properties.get(name) ?? []);
  }

  /** The definition that speaks of a property; `undefined` when none takes it. */
  propertyDefinition(
    name: string,
    { multiple, type }: Pick<Property, 'multiple' | 'type'>,
  ): Declared<PropertyDefinition> | undefined {
    const named = this.namedProperty(name);
    const candidates = (named.length > 0 ? named : (this.#properties.get('*') ?? [])).filter(
      ({ definition }) => definition.multiple === multiple,
    );
    return (
      candidates.find(({ definition }) => definition.type === type) ??
      candidates.find(({ definition }) => definition.type === 'Undefined')
    );
  }

  /**
   * The type a property is converted to when it is set; `undefined` when it stays as it is: because it fits, or because no
   * conversion would make it fit.
   */
  conversionOf(name: string, property: Property): PropertyDefinition['type'] | undefined {
    if (this.propertyDefinition(name, property)) return undefined;
    const named = this.namedProperty(name);
    return (named.length > 0 ? named : (this.#properties.get('*') ?? [])).find(
      ({ definition }) => definition.multiple === property.multiple,
    )?.definition.type;
  }

  /** Whether users may not set the property themselves. */
  isProtected(name: string): boolean {
    return this.namedProperty(name).some(({ definition }) => definition.protected);
  }

  /** Definitions that a child of this name may follow, the nearest first: one of them must take it. */
  childDefinitions(name: string): readonly Declared<ChildDefinition>[] {
    return this.#children.get(name) ?? this.#children.get('*') ?? [];
  }

  /** Whether both say the same of every child. */
  hasSameChildren(other: EffectiveNodeType): boolean {
    const mine = [...this.#children.values()].flat().map(({ definition }) => definition);
    const theirs = new Set([...other.#children.values()].flat().map(({ definition }) => definition));
    return (
      this.open === other.open && mine.length === theirs.size && mine.every((definition) => theirs.has(definition))
    );
  }

  /** The type of a child that is added without one. */
  defaultChildType(name: string): string | undefined {
    return this.childDefinitions(name).find(({ definition }) => definition.defaultType !== undefined)?.definition
      .defaultType;
  }
}

function isUnbounded({ type, constraints, protected: isProtected }: PropertyDefinition): boolean {
  return type === 'Undefined' && constraints.length === 0 && !isProtected;
}

function add<T>(map: Map<string, T[]>, name: string, value: T): void {
  const values = map.get(name);
  if (values) values.push(value);
  else map.set(name, [value]);
}
