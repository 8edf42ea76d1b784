import { manifestName } from '../dam/entry-names.js';
import type { ArchivePart } from '../workflows/contract/plan.js';

/** Files of an archive that somebody asked for; the manifest is not among them. */
export function fileCount({ entries }: Pick<ArchivePart, 'entries'>): number {
  return entries.filter(({ name }) => name !== manifestName).length;
}
