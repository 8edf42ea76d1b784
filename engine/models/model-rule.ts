/** Refuses saves that write a property of a workflow model that cannot be right, whatever the model around it is. */
import type { ContentRule } from '../../repository/content-rules.js';
import { propertyTexts } from '../../repository/property-text.js';
import { kindByType, kinds, modelDescription, modelType, type PropertyDescription } from './descriptions.js';
import { modelsPath } from './find-model.js';
import { readProperty } from './read-properties.js';

export const modelRule: ContentRule = {
  appliesTo: (path) => path.includes(`/settings/${modelsPath}/`),
  check: ({ properties, changed }) => {
    const [type = ''] = propertyTexts(properties.get('jcr:primaryType'));
    const kind = kindByType.get(type);
    const described: Readonly<Record<string, PropertyDescription>> = kind
      ? kinds[kind].properties
      : type === modelType
        ? modelDescription.properties
        : {};
    for (const [name, description] of Object.entries(described)) {
      const property = properties.get(name);
      if (!property || !changed.has(name)) continue;
      const read = readProperty(description, property);
      if (!('problem' in read)) continue;
      const problem = read.kind === 'wrong-condition' ? `is a condition that ${read.problem}` : `is ${read.problem}`;
      return { property: name, problem };
    }
    return undefined;
  },
};
