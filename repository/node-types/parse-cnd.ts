/** Reads Compact Node Type Definitions (JCR 2.0, section 25.2), in the notation that Jackrabbit writes and takes. */
import { nameProblem, printable } from '../path.js';
import type { PropertyType } from '../value.js';
import { cndProblem, readCndTokens } from './cnd-tokens.js';
import type { CndToken } from './cnd-tokens.js';
import { onParentVersionActions } from './definition.js';
import type { ChildDefinition, NodeTypeDefinition, NodeTypeDocument, PropertyDefinition } from './definition.js';

type Draft<T> = { -readonly [K in keyof T]: T[K] };

const propertyTypes: Readonly<Record<string, PropertyType | 'Undefined'>> = {
  string: 'String',
  binary: 'Binary',
  long: 'Long',
  double: 'Double',
  decimal: 'Decimal',
  date: 'Date',
  boolean: 'Boolean',
  name: 'Name',
  path: 'Path',
  reference: 'Reference',
  weakreference: 'WeakReference',
  uri: 'URI',
  undefined: 'Undefined',
  '*': 'Undefined',
};

/** @throws INVALID_NODE_TYPE naming the line */
export function parseCnd(text: string): NodeTypeDocument {
  return new CndReader(readCndTokens(text)).read();
}

class CndReader {
  #at = 0;

  constructor(private readonly tokens: readonly CndToken[]) {}

  read(): NodeTypeDocument {
    const namespaces = new Map<string, string>();
    const types = new Map<string, NodeTypeDefinition>();
    const lines = new Map<string, number>();
    while (this.#next.kind !== 'end') {
      const { line } = this.#next;
      if (this.#accept('<')) {
        const prefix = this.#string('a namespace prefix');
        this.#expect('=');
        const uri = this.#string('a namespace URI');
        this.#expect('>');
        if ((namespaces.get(prefix) ?? uri) !== uri) throw cndProblem(line, `the prefix "${prefix}" has two URIs`);
        namespaces.set(prefix, uri);
      } else {
        const type = this.#nodeType();
        if (types.has(type.name)) throw cndProblem(line, `the type ${type.name} is defined twice`);
        types.set(type.name, type);
        lines.set(type.name, line);
      }
    }
    return { namespaces, types: [...types.values()], lines };
  }

  #nodeType(): NodeTypeDefinition {
    this.#expect('[');
    const name = this.#name('a type name');
    this.#expect(']');
    const type: Draft<NodeTypeDefinition> & { properties: PropertyDefinition[]; children: ChildDefinition[] } = {
      name,
      supertypes: this.#accept('>') ? this.#names('a supertype') : [],
      mixin: false,
      abstract: false,
      orderable: false,
      queryable: true,
      primaryItem: undefined,
      properties: [],
      children: [],
    };
    while (this.#typeAttribute(type));
    for (;;) {
      const { line } = this.#next;
      if (this.#accept('-')) {
        const property = this.#property();
        if (type.properties.some((other) => other.name === property.name && other.multiple === property.multiple)) {
          throw cndProblem(line, `${name} defines the property ${property.name} twice`);
        }
        type.properties.push(property);
      } else if (this.#accept('+')) {
        const child = this.#child();
        if (child.name !== '*' && type.children.some((other) => other.name === child.name)) {
          throw cndProblem(line, `${name} defines the child ${child.name} twice`);
        }
        type.children.push(child);
      } else return type;
    }
  }

  #typeAttribute(type: Draft<NodeTypeDefinition>): boolean {
    if (this.#keyword('orderable', 'ord', 'o')) type.orderable = true;
    else if (this.#keyword('mixin', 'mix', 'm')) type.mixin = true;
    else if (this.#keyword('abstract', 'abs', 'a')) type.abstract = true;
    else if (this.#keyword('noquery', 'nq')) type.queryable = false;
    else if (this.#keyword('query', 'q')) type.queryable = true;
    else if (this.#accept('!') || this.#keyword('primaryitem')) type.primaryItem = this.#name('the primary item');
    else return false;
    return true;
  }

  #property(): PropertyDefinition {
    const property: Draft<PropertyDefinition> = {
      name: this.#itemName('a property name'),
      type: this.#accept('(') ? this.#propertyType() : 'String',
      multiple: false,
      mandatory: false,
      autocreated: false,
      protected: false,
      onParentVersion: 'COPY',
      defaults: this.#accept('=') ? this.#strings('a default value') : [],
      constraints: [],
      queryOperators: undefined,
      fullTextSearchable: true,
      queryOrderable: true,
    };
    const { line } = this.#next;
    for (;;) {
      if (this.#accept('*') || this.#keyword('multiple', 'mul')) property.multiple = true;
      else if (this.#keyword('nofulltext', 'nof')) property.fullTextSearchable = false;
      else if (this.#keyword('noqueryorder', 'nqord')) property.queryOrderable = false;
      else if (this.#keyword('queryops', 'qop')) {
        property.queryOperators = this.#string('query operators').split(/\s*,\s*/);
      } else if (!this.#isNamespace && this.#accept('<')) property.constraints = this.#strings('a value constraint');
      else if (!this.#itemAttribute(property)) break;
    }
    if (property.defaults.length > 1 && !property.multiple) {
      throw cndProblem(line, `the property ${property.name} is single but has ${property.defaults.length} defaults`);
    }
    if (property.name === '*' && (property.mandatory || property.autocreated)) throw this.#residual(line);
    return property;
  }

  #propertyType(): PropertyType | 'Undefined' {
    const { line } = this.#next;
    const name = this.#accept('*') ? '*' : this.#string('a property type');
    this.#expect(')');
    const type = Object.hasOwn(propertyTypes, name.toLowerCase()) ? propertyTypes[name.toLowerCase()] : undefined;
    if (type === undefined) throw cndProblem(line, `"${printable(name)}" is no property type`);
    return type;
  }

  #child(): ChildDefinition {
    const { line } = this.#next;
    const child: Draft<ChildDefinition> = {
      name: this.#itemName('a child name'),
      requiredTypes: ['nt:base'],
      defaultType: undefined,
      mandatory: false,
      autocreated: false,
      protected: false,
      onParentVersion: 'COPY',
    };
    if (this.#accept('(')) {
      child.requiredTypes = this.#names('a required type');
      this.#expect(')');
    }
    if (this.#accept('=')) child.defaultType = this.#name('a default type');
    // Same-name siblings are taken, and do nothing: this repository has none.
    while (this.#accept('*') || this.#keyword('sns', 'multiple', 'mul') || this.#itemAttribute(child));
    if (child.name === '*' && (child.mandatory || child.autocreated)) throw this.#residual(line);
    return child;
  }

  #residual(line: number) {
    return cndProblem(line, 'a definition for every name (*) cannot be mandatory or autocreated');
  }

  #itemAttribute(item: Draft<PropertyDefinition> | Draft<ChildDefinition>): boolean {
    const action = onParentVersionActions.find((name) => this.#keyword(name.toLowerCase()));
    if (action) item.onParentVersion = action;
    else if (this.#keyword('mandatory', 'man', 'm')) item.mandatory = true;
    else if (this.#keyword('autocreated', 'aut', 'a')) item.autocreated = true;
    else if (this.#keyword('protected', 'pro', 'p')) item.protected = true;
    // `primary` and `!` marked the primary item before JCR 2.0.
    else return this.#accept('!') || this.#keyword('primary', 'pri');
    return true;
  }

  #itemName(what: string): string {
    return this.#accept('*') ? '*' : this.#name(what);
  }

  #name(what: string): string {
    const { line } = this.#next;
    const name = this.#string(what);
    const problem = nameProblem(name);
    if (problem !== undefined) throw cndProblem(line, `the name "${printable(name)}" ${problem}`);
    return name;
  }

  #names(what: string): string[] {
    const names = [this.#name(what)];
    while (this.#accept(',')) names.push(this.#name(what));
    return names;
  }

  #strings(what: string): string[] {
    const strings = [this.#string(what)];
    while (this.#accept(',')) strings.push(this.#string(what));
    return strings;
  }

  #string(what: string): string {
    const { kind, value, line } = this.#next;
    if (kind === 'end' || kind === 'sign') throw cndProblem(line, `${what} is missing before ${shown(this.#next)}`);
    this.#at++;
    return value;
  }

  #keyword(...forms: readonly string[]): boolean {
    const { kind, value } = this.#next;
    if (kind !== 'word' || !forms.includes(value.toLowerCase())) return false;
    this.#at++;
    return true;
  }

  #accept(sign: string): boolean {
    if (this.#next.kind !== 'sign' || this.#next.value !== sign) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#accept(sign)) throw cndProblem(this.#next.line, `"${sign}" is missing before ${shown(this.#next)}`);
  }

  /** `<` starts constraints and, after the last property of a type, a namespace: the sign behind the text tells. */
  get #isNamespace(): boolean {
    return this.#next.value === '<' && this.tokens[this.#at + 2]?.value === '=';
  }

  get #next(): CndToken {
    return this.tokens[Math.min(this.#at, this.tokens.length - 1)] as CndToken;
  }
}

function shown({ kind, value }: CndToken): string {
  return kind === 'end' ? 'the end' : `"${printable(value)}"`;
}
