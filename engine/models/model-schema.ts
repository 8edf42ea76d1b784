/** The JSON Schema of a model as its content file has it: for forms, and for editors that check while one types. */
import { z } from 'zod';
import type { StepRegistry } from '../../activities/registry.js';
import type { JsonObject, JsonValue } from '../../workflows/contract/model.js';
import {
  kinds,
  modelDescription,
  modelType,
  type KindDescription,
  type NodeKind,
  type PropertyDescription,
} from './descriptions.js';

/** Draft 2020-12. Names with a namespace (`jcr:…`, `cq:…`) are always allowed, as the repository does. */
export function modelSchema(registry: StepRegistry): JsonObject {
  const ids = [...new Set(registry.list().map(({ step }) => step.id))];
  const definitions: JsonObject = Object.fromEntries(
    (Object.entries(kinds) as [NodeKind, KindDescription][]).map(([kind, description]) => [
      kind,
      kindSchema(kind, description),
    ]),
  );
  const process = definitions['process'] as JsonObject;
  (process['properties'] as JsonObject)['step'] = {
    ...((process['properties'] as JsonObject)['step'] as JsonObject),
    enum: ids,
  };
  process['allOf'] = ids.map((id) => ({
    if: { properties: { step: { const: id } }, required: ['step'] },
    then: { properties: { config: { $ref: `#/$defs/config:${id.replace('/', ':')}` } } },
  }));
  for (const id of ids) {
    const step = registry.newest(id);
    if (!step) continue;
    const { $schema: _, ...schema } = z.toJSONSchema(step.config, {
      io: 'input',
      unrepresentable: 'any',
    }) as JsonObject;
    definitions[`config:${id.replace('/', ':')}`] = { title: step.title, description: step.description, ...schema };
  }
  definitions['node'] = {
    anyOf: Object.keys(kinds)
      .filter((kind) => kind !== 'branch')
      .map(reference),
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: modelDescription.title,
    description: modelDescription.description,
    type: 'object',
    required: ['jcr:primaryType'],
    properties: { 'jcr:primaryType': { const: modelType }, ...propertiesOf(modelDescription.properties) },
    patternProperties: namespaced,
    additionalProperties: reference('node'),
    $defs: definitions,
  };
}

const namespaced: JsonObject = { '^[^:]+:': {} };

function reference(name: string): JsonObject {
  return { $ref: `#/$defs/${name}` };
}

function kindSchema(
  kind: NodeKind,
  { nodeType, title, description, properties, children }: KindDescription,
): JsonObject {
  const required = Object.keys(properties).filter((name) => properties[name]?.required);
  return {
    title,
    description,
    type: 'object',
    // A node without a type is a step.
    required: kind === 'process' ? required : ['jcr:primaryType', ...required],
    properties: { 'jcr:primaryType': { const: nodeType }, ...propertiesOf(properties), ...partsOf(children) },
    patternProperties: namespaced,
    additionalProperties:
      children.are === 'branches' ? reference('branch') : children.are === 'steps' ? reference('node') : false,
  };
}

function partsOf(children: KindDescription['children']): JsonObject {
  if (children.are !== 'parts') return {};
  return Object.fromEntries(
    Object.entries(children.parts).map(([name, part]) => [
      name,
      part === 'configuration' ? { type: 'object' } : reference('process'),
    ]),
  );
}

function propertiesOf(properties: Readonly<Record<string, PropertyDescription>>): JsonObject {
  return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, propertySchema(property)]));
}

function propertySchema(property: PropertyDescription): JsonObject {
  const { title, description } = property;
  const fallback: { default?: JsonValue } = 'default' in property ? { default: property.default } : {};
  const about = { title, description, ...fallback };
  switch (property.type) {
    case 'text':
      return { ...about, type: 'string', maxLength: property.maximumLength };
    case 'condition':
      return { ...about, type: 'string', maxLength: property.maximumLength, format: 'cel' };
    case 'boolean':
      return { ...about, type: 'boolean' };
    case 'choice':
      return { ...about, enum: [...property.choices] };
    case 'whole-number':
      return { ...about, type: 'integer', minimum: property.minimum, maximum: property.maximum };
  }
}
