/** Reads the described properties of a node and says what is wrong with them. */
import type { MergedResource } from '../../repository/overlay/api.js';
import type { Property, Value } from '../../repository/value.js';
import { nearestName } from '../../workflows/contract/nearest-name.js';
import { checkCondition } from '../../activities/satchel/conditions.js';
import type { PropertyDescription } from './descriptions.js';
import type { ModelProblemKind } from './problems.js';

/** @param property the one it is about: its layer is to blame */
export type Report = (kind: ModelProblemKind, problem: string, property?: string) => void;

export interface ReadProperties {
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
}

/** What is wrong is reported and reads as absent. */
export function readProperties(
  node: MergedResource,
  described: Readonly<Record<string, PropertyDescription>>,
  report: Report,
): ReadProperties {
  const values = new Map<string, string | number | boolean>();
  const known = Object.keys(described).filter((name) => !name.includes(':'));
  for (const name of node.properties.keys()) {
    if (name.includes(':') || Object.hasOwn(described, name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean "${nearest}"?`;
    report('unknown-property', `has a property "${name}", which nothing reads; ${hint}`, name);
  }
  for (const [name, description] of Object.entries(described)) {
    const held = node.properties.get(name)?.property;
    if (!held) {
      if (description.required)
        report('missing-property', `has no property "${name}": ${lowerFirst(description.description)}`);
      continue;
    }
    const read = readProperty(description, held);
    if ('problem' in read) report(read.kind, `has ${named(name, read)}`, name);
    else values.set(name, read.value);
  }
  return {
    text: (name) => {
      const value = values.get(name);
      return typeof value === 'string' ? value : undefined;
    },
    number: (name) => {
      const value = values.get(name);
      return typeof value === 'number' ? value : undefined;
    },
    boolean: (name) => {
      const value = values.get(name);
      return typeof value === 'boolean' ? value : undefined;
    },
  };
}

interface WrongValue {
  readonly kind: 'wrong-value' | 'wrong-condition';
  readonly problem: string;
}

function named(name: string, { kind, problem }: WrongValue): string {
  return kind === 'wrong-condition' ? `a condition that ${problem}` : `"${name}" ${problem}`;
}

/** One property alone. A problem continues its name: `0, which must be a whole number from 1 to 64`. */
export function readProperty(
  description: PropertyDescription,
  { values, multiple }: Property,
): { readonly value: string | number | boolean } | WrongValue {
  const [only] = values;
  const value = multiple ? undefined : parse(description, only);
  if (value === undefined) {
    const shown = multiple ? `a list of ${values.length}` : typeof only === 'object' ? 'bytes' : String(only);
    return { kind: 'wrong-value', problem: `${shown.slice(0, 60)}, which must be ${allowed(description)}` };
  }
  const wrong = description.type === 'condition' ? checkCondition(String(value)) : undefined;
  return wrong === undefined ? { value } : { kind: 'wrong-condition', problem: wrong };
}

function parse(description: PropertyDescription, value: Value | undefined): string | number | boolean | undefined {
  if (typeof value === 'object' || value === undefined) return undefined;
  const text = String(value);
  switch (description.type) {
    case 'text':
      return text.trim() !== '' && text.length <= description.maximumLength ? text : undefined;
    case 'condition':
      // Its check says more.
      return text;
    case 'choice':
      return description.choices.includes(text) ? text : undefined;
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : undefined;
    case 'whole-number': {
      const number = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
      return number >= description.minimum && number <= description.maximum ? number : undefined;
    }
  }
}

function allowed(description: PropertyDescription): string {
  switch (description.type) {
    case 'text':
    case 'condition':
      return `text of at most ${description.maximumLength} characters`;
    case 'choice':
      return description.choices.map((choice) => `"${choice}"`).join(' or ');
    case 'boolean':
      return 'true or false';
    case 'whole-number':
      return `a whole number from ${description.minimum} to ${description.maximum}`;
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
}
