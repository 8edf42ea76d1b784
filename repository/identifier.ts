/** The identifier a caller gives with `jcr:uuid`. It becomes part of keys, so it is short and plain. */
import { RepositoryError } from './errors.js';
import { nameProblem } from './path.js';
import type { NodeRecord } from './record.js';

/**
 * @param record holds a `jcr:uuid`
 * @throws INVALID_VALUE unless it is one text of at most 255 bytes that could be a name, without blanks
 */
export function givenIdentifier(path: string, record: NodeRecord): string {
  const property = record.properties.get('jcr:uuid');
  const [identifier] = property?.values ?? [];
  if (property?.multiple === false && typeof identifier === 'string' && isPlain(identifier)) return identifier;
  throw new RepositoryError(
    'INVALID_VALUE',
    `The value of ${path}/jcr:uuid is no identifier: one text of 1 to 255 bytes, of the characters of a name, without blanks.`,
    { paths: [path] },
  );
}

function isPlain(identifier: string): boolean {
  return nameProblem(identifier) === undefined && !/\s/u.test(identifier);
}
