import { nameProblem } from '../path.js';

/**
 * Names of context-aware configurations are relative paths: `com.example.Config`, `list/item`. Sling asks for as much, and
 * that they do not climb.
 * @returns what is wrong with a name, or `undefined`
 */
export function configurationNameProblem(name: string): string | undefined {
  if (name.trim() === '') return 'is empty';
  if (name.startsWith('/')) return 'starts with "/": it is relative to the configurations';
  for (const part of name.split('/')) {
    const problem = nameProblem(part);
    if (problem !== undefined) return `has a part that ${problem}`;
  }
  return undefined;
}
