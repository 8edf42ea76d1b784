/** Property values as they are typed: `name=value`, `name:Long=5`, `name[]=a,b`; a repeated name makes a list. */
import type { AssignedValue } from '../repository/overlay/change-overlay.js';
import { nameProblem } from '../repository/path.js';
import { propertyTypes } from '../repository/vault/docview-value.js';
import { SatchelError } from '../workflows/contract/errors.js';

const types = propertyTypes.filter((type) => type !== 'Binary');
const notation = new RegExp(`^(?<name>[^=]+?)(?::(?<type>${types.join('|')}))?(?<list>\\[\\])?=(?<text>[^]*)$`);

/** @throws SatchelError INVALID_REQUEST */
export function parseAssignments(typed: readonly string[]): Record<string, AssignedValue> {
  const values = new Map<string, AssignedValue>();
  for (const assignment of typed) {
    const { name = '', type, list, text = '' } = notation.exec(assignment)?.groups ?? {};
    const problem = nameProblem(name);
    if (problem !== undefined) {
      throw new SatchelError(
        'INVALID_REQUEST',
        `"${assignment}" is no assignment (the name ${problem}): write name=value, name:Type=value or name[]=value,value; types are ${types.join(', ')}.`,
      );
    }
    const before = values.get(name);
    const texts = [...(before?.texts ?? []), ...(list === undefined ? [text] : splitList(text))];
    const named = types.find((known) => known === type) ?? before?.type;
    const multiple = list !== undefined || before !== undefined;
    values.set(name, { texts, ...(named && { type: named }), ...(multiple && { multiple }) });
  }
  return Object.fromEntries(values);
}

/** At commas; `\,` is one that belongs to a value. Nothing is an empty list. */
function splitList(text: string): string[] {
  if (text === '') return [];
  return text.split(/(?<!\\),/).map((value) => value.replaceAll('\\,', ','));
}
